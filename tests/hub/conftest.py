import pytest
from clients import FILES, Client
from stand_in_hub import StandInHub


@pytest.fixture
def hub():
    hub = StandInHub()
    yield hub
    hub.close()


@pytest.fixture
def dataset(hub):
    repository = hub.repository("datasets", "owner/texts")
    repository.commit(FILES)
    return repository


@pytest.fixture
def client(hub, tmp_path):
    return Client(hub, tmp_path / "cache")
