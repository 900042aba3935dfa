"""What goes wrong on the way: each is recovered from, as the log shows, or ends in an error that
names repository, revision, file and what to try, with nothing wrong left in the cache."""

import re
import time

import pytest
from clients import (DONE, FILES, LARGE, PERMANENT, QUICK, RETRYABLE, TOKEN, USAGE, Client, tree)

NAME = "data/train.parquet"
FILE = FILES[NAME]
ALWAYS = 1000


def fetch(client, dataset, name=NAME, **options):
    return client.ours("file", dataset, name, **options)


def assert_fetched(client, dataset, result):
    assert result.code == DONE, result.err
    assert client.blob(dataset, FILE).read_bytes() == LARGE
    assert not list(client.folder(dataset).glob("blobs/*.incomplete"))


def assert_named(result, dataset, *more):
    """Errors name everything, and a remedy."""
    for part in (f"ata set '{dataset.id}' at revision 'main'", "try:", *more):
        assert part in result.err, result.err
    assert "Signature" not in result.err and "s3cr3t" not in result.err


def assert_no_blob(client, dataset):
    assert not client.blob(dataset, FILE).exists()
    assert not list(client.folder(dataset).glob("snapshots/*/*/*"))


# --- Connections ---


@pytest.mark.parametrize("at", [0, 1, 4095, 100_000, len(LARGE) - 1])
def test_cut_and_resumed(hub, client, dataset, at):
    hub.fault(server="storage", cut_after=at)
    result = fetch(client, dataset)
    assert_fetched(client, dataset, result)
    first, second = (request for request in hub.requests if request.server == "storage")
    assert "range" not in first.headers
    assert second.headers.get("range") == (f"bytes={at}-" if at else None)
    assert sum(request.sent for request in hub.contents()) == len(LARGE)  # nothing twice
    assert "retrying in" in result.err


def test_cut_as_long_as_something_comes(hub, client, dataset):
    """More cuts than there are tries in a row."""
    hub.fault(server="storage", cut_after=30_000, times=6)
    assert_fetched(client, dataset, fetch(client, dataset))


def test_cut_in_a_small_file_and_in_a_listing(hub, client, dataset):
    hub.fault(path="/resolve-cache/", cut_after=5)
    hub.fault(path="/tree/", cut_after=20)
    result = fetch(client, dataset, "README.md")
    assert result.code == DONE and client.blob(dataset, FILES["README.md"]).exists()
    assert len(client.ours("list", dataset).answer) == len(FILES)


def test_server_that_ignores_ranges(hub, client, dataset):
    hub.fault(server="storage", cut_after=100_000)
    hub.fault(server="storage", ignore_range=True, times=ALWAYS)
    assert_fetched(client, dataset, fetch(client, dataset))
    assert hub.contents()[1].sent == len(LARGE)


@pytest.mark.parametrize("name", [NAME, "README.md"])
def test_a_size_that_no_reply_tells_is_the_lists(hub, client, dataset, name):
    hub.tells_sizes = False
    result = fetch(client, dataset, name)
    assert result.code == DONE, result.err
    assert client.blob(dataset, FILES[name]).read_bytes() == FILES[name].content


def test_a_reply_without_an_end_does_not_fill_the_disk(hub, client, dataset):
    hub.tells_sizes = False
    hub.fault(server="storage", endless=True, other_bytes=True, times=ALWAYS)
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert_named(result, dataset, NAME)
    assert_no_blob(client, dataset)
    [partial] = client.folder(dataset).glob("blobs/*.incomplete")
    assert partial.stat().st_size <= len(LARGE)
    # Little more than what sockets hold was sent of the 64 MiB.
    assert all(request.sent < 32 << 20 for request in hub.contents())


def test_a_size_that_nobody_tells_is_an_error(hub, client, dataset):
    hub.tells_sizes = False
    hub.fault(path="/tree/", status=200, body=b"[]", headers={"Content-Type": "application/json"})
    result = fetch(client, dataset)
    assert result.code == PERMANENT
    assert_named(result, dataset, NAME, "tells its size")
    assert not hub.contents()


def test_no_progress_comes_to_an_end(hub, client, dataset):
    """A server that ignores ranges and always fails at the same place brings bytes, and no file."""
    hub.fault(server="storage", ignore_range=True, cut_after=100_000, times=ALWAYS)
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert_named(result, dataset, NAME)
    assert_no_blob(client, dataset)
    assert len(hub.contents()) <= 2 + QUICK["retries"]


def test_stall(hub, client, dataset):
    client.settings["stall_timeout_s"] = 2
    stall = hub.fault(server="storage", stall_after=50_000)
    assert_fetched(client, dataset, fetch(client, dataset))
    assert stall.abandoned.is_set()
    assert hub.contents()[1].headers["range"] == "bytes=50000-"


def test_silence(hub, client, dataset):
    client.settings["stall_timeout_s"] = 2
    silent = [hub.fault(path="/revision/", silent=True), hub.fault(method="HEAD", silent=True)]
    assert_fetched(client, dataset, fetch(client, dataset))
    assert all(fault.abandoned.is_set() for fault in silent)


def test_progress_with_rate_and_time_left(hub, client, dataset):
    hold = hub.fault(server="storage", hold_after=100_000)
    process = client.start("file", dataset, NAME)
    assert hold.holding.wait(30)
    time.sleep(2.2)  # nothing is shown of what takes less than two seconds
    hold.release.set()
    _, err = process.communicate()
    assert re.search(r"train\.parquet: \d+ %, [\d.]+ KiB of 195\.3 KiB, [\d.]+ .*B/s, .* left", err)


NOWHERE = {"refused": "http://127.0.0.1:9",  # discard: nobody listens
           "unresolved": "http://does-not-exist.invalid"}  # RFC 6761: no name ends so


@pytest.mark.parametrize("endpoint", NOWHERE.values(), ids=NOWHERE)
def test_no_server(client, dataset, endpoint):
    """One try: without a network, seconds change nothing."""
    client.environment["HF_ENDPOINT"] = endpoint
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert_named(result, dataset, endpoint, "HF_HUB_OFFLINE")
    assert "retrying" not in result.err


@pytest.mark.parametrize("endpoint", NOWHERE.values(), ids=NOWHERE)
def test_no_server_but_the_commit_last_seen(client, dataset, endpoint):
    fetch(client, dataset)
    client.environment["HF_ENDPOINT"] = endpoint
    result = fetch(client, dataset)
    assert_fetched(client, dataset, result)
    assert dataset.branches["main"] in result.err and "retrying" not in result.err


def test_a_server_that_goes_away_meanwhile(hub, client, dataset):
    """There is a network, so it is tried again."""
    hub.fault(server="hub", path="/resolve/", location=NOWHERE["refused"] + "/gone")
    result = fetch(client, dataset)
    assert_fetched(client, dataset, result)
    assert result.err.count("retrying") == 1


# --- Statuses ---


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("method, path", [("GET", "/api/"), ("HEAD", "/resolve/"), ("GET", "")])
def test_server_that_is_busy(hub, client, dataset, status, method, path):
    hub.fault(method=method, path=path, server="" if path else "storage", status=status, times=2)
    result = fetch(client, dataset)
    assert_fetched(client, dataset, result)
    assert result.err.count(f"HTTP status {status}") == 2


@pytest.mark.parametrize("status", [429, 503])
def test_server_that_stays_busy(hub, client, dataset, status):
    hub.fault(method="HEAD", status=status, times=ALWAYS)
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert_named(result, dataset, NAME, str(status))
    assert sum(request.method == "HEAD" for request in hub.requests) == 1 + QUICK["retries"]


@pytest.mark.parametrize("headers", [
    {"Retry-After": "1"},
    {"RateLimit": '"resolvers";r=0;t=1', "RateLimit-Policy": '"fixed window";"resolvers";q=3;w=1'},
])
def test_retry_after_is_waited_for(hub, client, dataset, headers):
    hub.fault(server="storage", status=429, headers=headers)
    began = time.monotonic()
    assert_fetched(client, dataset, fetch(client, dataset))
    assert time.monotonic() - began >= 1  # and the waits of QUICK are far below that


def test_retry_after_that_is_too_long(hub, client, dataset):
    hub.fault(server="storage", status=429, headers={"Retry-After": "3600"})
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert_named(result, dataset, NAME, "1 h 00 min")
    assert len(hub.contents()) == 1


def test_range_not_satisfiable_starts_over(hub, client, dataset):
    hub.fault(server="storage", cut_after=100_000)
    hub.fault(server="storage", status=416)
    assert_fetched(client, dataset, fetch(client, dataset))
    assert [request.headers.get("range") for request in hub.contents()] == [
        None, "bytes=100000-", None]


@pytest.mark.parametrize("status, code", [(401, PERMANENT), (403, PERMANENT), (404, USAGE),
                                          (400, PERMANENT), (416, PERMANENT)])
def test_refusals_are_final(hub, client, dataset, status, code):
    hub.fault(method="HEAD", status=status, times=ALWAYS)
    result = fetch(client, dataset)
    assert result.code == code
    assert_named(result, dataset, NAME, str(status))
    assert sum(request.method == "HEAD" for request in hub.requests) == 1


def test_storage_that_refuses(hub, client, dataset):
    hub.fault(server="storage", status=403, times=ALWAYS)
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert_named(result, dataset, NAME, "403", "storage", "clock")
    assert "HF_TOKEN" not in result.err  # which the storage does not ask for


@pytest.mark.parametrize("token, code, said", [("", PERMANENT, "hf auth login"),
                                               ("wrong", PERMANENT, "token from HF_TOKEN"),
                                               (TOKEN, DONE, "")])
def test_gated_repository(hub, client, token, code, said):
    dataset = hub.repository("datasets", "owner/gated", token=TOKEN, gated=True)
    dataset.commit(FILES)
    if token:
        client.environment["HF_TOKEN"] = token
    result = fetch(client, dataset)
    assert result.code == code and TOKEN not in result.err
    if code != DONE:
        assert_named(result, dataset, said, f"{hub.url}/datasets/owner/gated")


def test_what_is_not_there(hub, client, dataset):
    missing = fetch(client, dataset, "data/missing.parquet")
    assert missing.code == USAGE
    assert_named(missing, dataset, "data/missing.parquet", "no such file")
    revision = fetch(client, dataset, revision="v9")
    assert revision.code == USAGE and "'v9'" in revision.err and "no such revision" in revision.err
    del hub.repositories["datasets", dataset.id]
    unknown = fetch(client, dataset)
    assert unknown.code == PERMANENT and dataset.id in unknown.err  # as for a private one
    client.environment["HF_TOKEN"] = TOKEN
    unknown = fetch(client, dataset)
    assert unknown.code == USAGE and dataset.id in unknown.err and TOKEN not in unknown.err


# --- Content ---


def test_wrong_bytes_of_the_right_size(hub, client, dataset):
    hub.fault(server="storage", other_bytes=True)
    result = fetch(client, dataset)
    assert_fetched(client, dataset, result)
    assert FILE.hash in result.err and "downloading it again" in result.err


@pytest.mark.parametrize("name", [NAME, "README.md"])  # named by SHA-256, and by git
def test_wrong_bytes_that_stay_wrong(hub, client, dataset, name):
    hub.fault(other_bytes=True, path="" if FILES[name].large else "/resolve-cache/",
              server="storage" if FILES[name].large else "", times=ALWAYS)
    result = fetch(client, dataset, name)
    assert result.code == RETRYABLE
    assert_named(result, dataset, name, FILES[name].hash)
    assert_no_blob(client, dataset)
    assert not client.blob(dataset, FILES[name]).exists()


def test_wrong_beginning_of_a_resumed_download(hub, client, dataset):
    """Left over by whomever: the hash tells, and the whole is fetched."""
    partial = client.blob(dataset, FILE).with_name(f"{FILE.hash}.incomplete")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 1000)
    assert_fetched(client, dataset, fetch(client, dataset))
    assert [request.headers.get("range") for request in hub.contents()] == ["bytes=1000-", None]


@pytest.mark.parametrize("headers, said", [
    ({"ETag": '"abc"', "X-Repo-Commit": "COMMIT"}, "'abc'"),
    ({"ETag": '"../../../evil"', "X-Repo-Commit": "COMMIT"}, "evil"),
    ({"ETag": f'"{FILE.hash}"'}, "no commit"),
    ({"ETag": f'"{FILE.hash}"', "X-Repo-Commit": "0" * 40}, "0" * 40),
])
def test_replies_that_are_no_hub_s(hub, client, dataset, headers, said):
    headers = {name: value.replace("COMMIT", dataset.branches["main"])
               for name, value in headers.items()}
    hub.fault(method="HEAD", status=200, headers=headers)
    result = fetch(client, dataset)
    assert result.code == PERMANENT
    assert_named(result, dataset, NAME, said, "HF_ENDPOINT")


@pytest.mark.parametrize("path", ["/revision/", "/tree/"])
def test_an_endpoint_that_is_no_hub(hub, client, dataset, path):
    hub.fault(path=path, status=200, headers={"Content-Type": "text/html"})
    result = client.ours("list", dataset)
    assert result.code == PERMANENT
    assert_named(result, dataset, "HF_ENDPOINT")


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b", "a//b", "", ".", "a\\..\\b"])
def test_paths_stay_inside(client, dataset, name):
    before = tree(client.cache.parent)
    assert fetch(client, dataset, name, revision="0" * 40).code == USAGE
    assert tree(client.cache.parent) == before


@pytest.mark.parametrize("name", ["a/b/c", "../x", "a b", "a--b", "-a", "x" * 97, "datasets/a/b"])
def test_names_that_no_repository_has(client, dataset, name):
    dataset.id = name
    result = fetch(client, dataset)
    assert result.code == USAGE and name in result.err


# --- Redirects and the token ---


def test_the_token_stays_at_home(hub, client):
    dataset = hub.repository("datasets", "owner/private", token=TOKEN)
    dataset.commit(FILES)
    client.environment["HF_TOKEN"] = TOKEN
    outputs = []
    for fault in ({}, {"server": "storage", "cut_after": 10}, {"server": "storage", "status": 403}):
        if fault:
            hub.fault(**fault)
        for result in (fetch(client, dataset), client.ours("list", dataset),
                       client.ours("ranges", dataset, NAME, "0:10")):
            outputs += [result.out, result.err]
        client.blob(dataset, FILE).unlink(missing_ok=True)
    sent = {server: [TOKEN in str(request.headers) for request in hub.requests
                     if request.server == server] for server in ("hub", "storage")}
    assert sent["hub"] and all(sent["hub"])  # it is needed there
    assert len(sent["storage"]) >= 3 and not any(sent["storage"])
    assert not any(TOKEN in output for output in outputs)
    assert not any(TOKEN.encode() in entry[2] for entry in tree(client.cache).values()
                   if entry[0] == "file")


@pytest.mark.parametrize("method, path", [("GET", "/api/"), ("HEAD", "/resolve/")])
def test_no_token_for_wherever_the_hub_redirects(hub, client, dataset, method, path):
    """Not even where the reply says nothing else: it comes from the other host, or fails there."""
    client.environment["HF_TOKEN"] = TOKEN
    hub.fault(method=method, path=path, server="hub", location=hub.storage_url + "/elsewhere")
    result = fetch(client, dataset)
    assert result.code == PERMANENT, result.err
    elsewhere = [request for request in hub.requests if request.server == "storage"]
    assert elsewhere and not any("authorization" in request.headers for request in elsewhere)


def test_relative_redirect_of_a_renamed_repository(hub, client, dataset):
    client.environment["HF_TOKEN"] = TOKEN
    hub.moved["datasets", "owner/old"] = dataset.id
    dataset.id = "owner/old"
    assert_fetched(client, dataset, fetch(client, dataset))
    assert all(TOKEN in str(request.headers) for request in hub.requests if request.server == "hub")


@pytest.mark.parametrize("location, said", [
    ("/api/datasets/owner/texts/revision/main", "redirects"),
    ("file:///etc/passwd", "not an http address"),
])
def test_redirects_that_lead_nowhere(hub, client, dataset, location, said):
    hub.fault(path="/revision/", location=location, times=ALWAYS)
    result = fetch(client, dataset)
    assert result.code == PERMANENT
    assert_named(result, dataset, said)
    assert len(hub.requests) < 20


# --- Offline ---


def test_offline_says_what_is_missing(hub, client, dataset):
    client.environment["HF_HUB_OFFLINE"] = "1"
    nothing = fetch(client, dataset)
    fetch(client, dataset, "README.md", environment={"HF_HUB_OFFLINE": "0"})
    asked = len(hub.requests)
    for command, arguments, said in (("file", [NAME], NAME), ("ranges", [NAME, "0:1"], NAME),
                                     ("list", [], "list of files")):
        result = client.ours(command, dataset, *arguments)
        assert result.code == PERMANENT
        assert_named(result, dataset, said, str(client.cache), "hf download owner/texts")
    assert nothing.code == PERMANENT
    assert_named(nothing, dataset, "HF_HUB_OFFLINE", "hf download owner/texts")
    assert len(hub.requests) == asked
    assert fetch(client, dataset, "README.md").code == DONE


def test_its_remedy_is_the_python_client_s(hub, client, dataset, tmp_path):
    """The command that the error names fetches the file."""
    client.environment["HF_HUB_OFFLINE"] = "1"
    said = fetch(client, dataset, environment={}).err
    command = said.split("run 'hf ")[1].split("'")[0].split()
    elsewhere = Client(hub, tmp_path / "elsewhere")
    done = elsewhere.python(f"import sys; sys.argv = ['hf', *{command!r}]\n"
                            "from huggingface_hub.cli.hf import main\nmain()")
    assert done.code == 0, done.err
    assert elsewhere.blob(dataset, FILE).read_bytes() == LARGE
