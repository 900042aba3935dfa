"""Files that the Hub keeps as Xet's chunks. Ours fetches them whole from the bridge that the Hub
redirects to, as the Python client does without hf_xet. With it the Python client keeps one copy for
all repositories and links to it, which ours has to read, and to set aside where it is damaged."""

import os

import pytest
from clients import DONE, LARGE, TOKEN, Client, tree
from stand_in_hub import File

NAME = "data/train.parquet"
FILE = File(LARGE, large=True, xet=True)
SHARED = f"blobs/{FILE.xet_hash[:2]}/{FILE.xet_hash}"  # in the cache


@pytest.fixture
def dataset(hub):
    repository = hub.repository("datasets", "owner/chunks")
    repository.commit({"README.md": File(b"# Chunks\n"), NAME: FILE})
    return repository


def fetch(client, repository):
    return client.ours("file", repository, NAME)


def python_by_xet(client, repository, content=LARGE):
    """The Python client with hf_xet, but for the transfer of chunks: hf_xet brings `content`."""
    client.cache.mkdir(exist_ok=True)
    chunks = client.cache.parent / "chunks"
    chunks.write_bytes(content)
    done = client.python(
        "import huggingface_hub.file_download as files, pathlib\n"
        f"content = pathlib.Path({str(chunks)!r}).read_bytes()\n"
        "files.is_xet_available = lambda: True\n"
        "files.xet_get = lambda *, incomplete_path, **_: incomplete_path.write_bytes(content)\n"
        f"print(json.dumps(files.hf_hub_download({repository.id!r}, {NAME!r}, "
        f"repo_type={repository.kind[:-1]!r})))")
    assert done.code == DONE, done.err


def test_from_the_bridge_verified_and_without_the_token(hub, client, dataset):
    client.environment["HF_TOKEN"] = TOKEN
    (path,) = fetch(client, dataset).answer
    with open(path, "rb") as file:
        assert file.read() == LARGE
    at_hub = [request for request in hub.requests if request.server == "hub"]
    bridge = [request for request in hub.requests if request.server == "storage"]
    assert len(bridge) == 1 and "authorization" not in bridge[0].headers
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in at_hub)
    # The name of the blob is the content's SHA-256, not the hash of its chunks.
    assert client.blob(dataset, FILE).read_bytes() == LARGE
    assert not any("xet" in request.path or "reconstruction" in request.path for request in at_hub)


def test_wrong_bytes_of_the_bridge_are_refused(hub, client, dataset):
    hub.fault(server="storage", other_bytes=True, times=2)
    result = fetch(client, dataset)
    assert result.code != DONE and FILE.hash in result.err
    assert not client.blob(dataset, FILE).exists()


def test_ranges_of_the_bridge(hub, client, dataset):
    result = client.ours("ranges", dataset, NAME, "12345:50000", "0:8")
    assert result.answer["read"] == [LARGE[12_345:62_345].decode(), LARGE[:8].decode()]
    assert sum(request.sent for request in hub.contents()) == 50_008


def test_same_tree_as_the_python_client_s_without_hf_xet(hub, tmp_path, dataset):
    ours = Client(hub, tmp_path / "ours")
    python = Client(hub, tmp_path / "python", HF_HUB_DISABLE_XET="1")
    for file in ours.ours("list", dataset).answer:
        assert ours.ours("file", dataset, file["path"]).code == DONE
    assert python.python_snapshot(dataset).code == DONE
    assert tree(ours.folder(dataset)) == tree(python.folder(dataset))
    (kept,) = ours.folder(dataset).glob("trees/*.json")
    assert FILE.xet_hash in kept.read_text()  # by which hf_xet fetches without asking again


def test_what_the_python_client_got_by_xet_is_used(hub, client, dataset):
    python_by_xet(client, dataset)
    assert client.blob(dataset, FILE).is_symlink() and (client.cache / SHARED).is_file()
    assert len(fetch(client, dataset).answer) == 1
    assert not hub.contents()
    assert client.ours("verify", dataset).answer == {"blobs": 1, "bytes": len(LARGE), "corrupt": []}


def test_a_damaged_shared_content_is_set_aside_for_every_repository(hub, client, dataset):
    """Were the link alone moved, the Python client would link to the same content again."""
    other = hub.repository("datasets", "owner/copy")
    other.commit({NAME: FILE})
    python_by_xet(client, dataset)
    python_by_xet(client, other)
    (client.cache / SHARED).chmod(0o644)
    (client.cache / SHARED).write_bytes(b"?" + LARGE[1:])
    (corrupt,) = client.ours("verify", dataset).answer["corrupt"]
    assert not (client.cache / SHARED).exists() and not os.path.lexists(client.blob(dataset, FILE))
    with open(corrupt["moved_to"], "rb") as file:
        assert file.read(2) == b"?" + LARGE[1:2]
    for repository in (dataset, other):
        (path,) = fetch(client, repository).answer
        with open(path, "rb") as file:
            assert file.read() == LARGE


def test_a_blob_that_links_elsewhere_takes_nothing_along(client, dataset, tmp_path):
    """Only the shared store is the cache's own: what a planted link names stays where it is."""
    fetch(client, dataset)
    foreign = tmp_path / FILE.xet_hash
    foreign.write_bytes(b"somebody's")
    blob = client.blob(dataset, FILE)
    blob.unlink()
    blob.symlink_to(foreign)
    (corrupt,) = client.ours("verify", dataset).answer["corrupt"]
    assert foreign.read_bytes() == b"somebody's"
    assert os.path.islink(corrupt["moved_to"]) and not os.path.lexists(blob)


def test_the_python_client_uses_what_ours_fetched(hub, client, dataset):
    fetch(client, dataset)
    fetched = len(hub.contents())
    python_by_xet(client, dataset, content=b"not to be fetched")
    assert client.blob(dataset, FILE).read_bytes() == LARGE
    assert len(hub.contents()) == fetched
