"""Certificates: an endpoint that cannot prove who it is gets nothing."""

import shutil
import ssl
import subprocess

import pytest
from clients import DONE, FILES, LARGE, PERMANENT, TOKEN, Client
from stand_in_hub import StandInHub

NAME = "data/train.parquet"


@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("needs the program openssl to make a certificate")
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


@pytest.fixture
def hub(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    hub = StandInHub(context)
    yield hub
    hub.close()


def test_a_certificate_that_nobody_vouches_for(hub, client, dataset):
    client.environment["HF_TOKEN"] = TOKEN
    result = client.ours("file", dataset, NAME)
    assert result.code == PERMANENT  # the same next time: one try
    assert "certificate" in result.err and "try:" in result.err
    assert "retrying" not in result.err
    assert not hub.requests


def test_a_certificate_of_ones_own(hub, client, dataset, certificate):
    client.environment.update(HF_TOKEN=TOKEN, SSL_CERT_FILE=str(certificate[0]))
    hub.fault(server="storage", cut_after=1000)
    assert client.ours("file", dataset, NAME).code == DONE
    assert client.blob(dataset, FILES[NAME]).read_bytes() == LARGE
    sent = {request.server: "authorization" in request.headers for request in hub.requests}
    assert sent == {"hub": True, "storage": False}


def test_a_certificate_of_another_host(hub, dataset, tmp_path, certificate):
    client = Client(hub, tmp_path / "cache", SSL_CERT_FILE=str(certificate[0]))
    client.environment["HF_ENDPOINT"] = hub.url.replace("127.0.0.1", "localhost")
    result = client.ours("file", dataset, NAME)
    assert result.code == PERMANENT and not hub.requests
