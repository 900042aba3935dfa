"""Files read by ranges: the bytes that are asked for, and no others."""

import pytest
from clients import DONE, FILES, LARGE, PERMANENT, RETRYABLE

NAME = "data/train.parquet"
RANGES = ((0, 8), (len(LARGE) - 100, 100), (12_345, 50_000), (7, 0), (0, len(LARGE)))


def read(client, dataset, *ranges, name=NAME):
    return client.ours("ranges", dataset, name, *(f"{at}:{size}" for at, size in ranges))


def assert_read(result, ranges):
    assert result.code == DONE, result.err
    assert result.answer["size"] == len(LARGE)
    assert result.answer["read"] == [LARGE[at : at + size].decode() for at, size in ranges]


def test_only_what_is_asked_for(hub, client, dataset):
    result = read(client, dataset, *RANGES)
    assert_read(result, RANGES)
    wanted = sum(size for _, size in RANGES)
    assert sum(request.sent for request in hub.contents()) == wanted
    # Counted is all that came: the answer with the commit, too.
    api = sum(request.sent for request in hub.requests if "/revision/" in request.path)
    assert result.answer["received"] == wanted + api
    assert not client.blob(dataset, FILES[NAME]).exists()
    # One redirect for all reads.
    assert sum("/resolve/" in request.path and request.method == "GET"
               for request in hub.requests) == 1


def test_small_file(client, dataset):
    assert read(client, dataset, (2, 6), name="README.md").answer["read"] == ["A data"]


def test_what_is_in_the_cache_is_read_from_there(hub, client, dataset):
    client.ours("file", dataset, NAME)
    fetched = len(hub.contents())
    assert_read(read(client, dataset, *RANGES), RANGES)
    assert len(hub.contents()) == fetched


@pytest.mark.parametrize("fault", [{"cut_after": 30_000}, {"cut_after": 0}, {"stall_after": 10},
                                   {"status": 503}, {"status": 429}])
def test_faults_on_the_way(hub, client, dataset, fault):
    if "stall_after" in fault:
        client.settings["stall_timeout_s"] = 2
    hub.fault(server="storage", **fault)
    assert_read(read(client, dataset, *RANGES[2:]), RANGES[2:])
    assert sum(request.sent for request in hub.contents() if request.server == "storage"
               and request.sent != len(b"as switched on")) == sum(s for _, s in RANGES[2:])


def test_signature_that_expired(hub, client, dataset):
    """The address of the first read is refused at the second: the Hub gives a new one."""
    hub.fault(server="storage")
    hub.fault(server="storage", status=403)
    assert_read(read(client, dataset, *RANGES[:2]), RANGES[:2])
    assert sum("/resolve/" in request.path and request.method == "GET"
               for request in hub.requests) == 2


def test_server_that_ignores_ranges(hub, client, dataset):
    hub.fault(server="storage", ignore_range=True, times=1000)
    result = read(client, dataset, *RANGES)
    assert_read(result, RANGES)
    assert "only whole files" in result.err
    assert client.blob(dataset, FILES[NAME]).read_bytes() == LARGE  # verified
    whole = [request for request in hub.contents() if request.sent >= len(LARGE)]
    assert len(whole) <= 2


def test_another_range_than_asked(hub, client, dataset):
    hub.fault(server="storage", status=206, headers={"Content-Range": "bytes 5-18/200000"},
              times=1000)
    result = read(client, dataset, (0, 14))
    assert result.code == RETRYABLE
    assert NAME in result.err and dataset.id in result.err and "bytes 5-18/200000" in result.err


def test_outside_of_the_file(client, dataset):
    for at, size in ((-1, 2), (len(LARGE) - 1, 2), (len(LARGE) + 1, 0)):
        for _ in range(2):  # remote, then local
            result = read(client, dataset, (at, size))
            assert result.code == PERMANENT and str(len(LARGE)) in result.err, result.err
            client.ours("file", dataset, NAME)
