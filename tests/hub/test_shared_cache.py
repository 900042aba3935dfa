"""One cache for both clients: the same tree byte for byte, each finding what the other fetched."""

import fcntl
import shutil
import time

import pytest
from clients import FILES, LARGE, Client, tree
from stand_in_hub import File


def fetch_all(client, repository, revision="main"):
    listed = client.ours("list", repository, revision=revision).answer
    return client.ours("file", repository, *(file["path"] for file in listed),
                       revision=revision).answer


def clients(hub, tmp_path):
    return Client(hub, tmp_path / "ours"), Client(hub, tmp_path / "python")


@pytest.mark.parametrize("kind", ["models", "datasets"])
def test_same_tree(hub, tmp_path, kind):
    repository = hub.repository(kind, "owner/name")
    repository.commit({**FILES, "more.txt": File(b"of an earlier commit")})
    ours, theirs = clients(hub, tmp_path)
    for _ in range(2):  # two commits of one branch share their blobs
        fetch_all(ours, repository)
        theirs.python_snapshot(repository)
        repository.commit({**FILES, "more.txt": File(LARGE[:1000], large=True)})
    assert tree(ours.folder(repository)) == tree(theirs.folder(repository))
    assert len(list(ours.folder(repository).glob("blobs/*"))) == len(
        {file.hash for file in FILES.values()}) + 2
    # The comparison sees a byte, a link and a permission.
    blob = ours.blob(repository, FILES["README.md"])
    blob.write_bytes(b"? A data set\n")
    assert tree(ours.folder(repository)) != tree(theirs.folder(repository))


@pytest.mark.parametrize("revision", ["v1.0", "refs/convert/parquet", "commit"])
def test_same_tree_at_any_revision(hub, tmp_path, revision):
    repository = hub.repository("datasets", "unowned")
    commit = repository.commit(FILES, branch=revision)
    revision = commit if revision == "commit" else revision
    ours, theirs = clients(hub, tmp_path)
    paths = fetch_all(ours, repository, revision)
    theirs.python_snapshot(repository, revision)
    assert tree(ours.folder(repository)) == tree(theirs.folder(repository))
    assert all(f"/snapshots/{commit}/" in path for path in paths)


def test_content_is_the_repository_s(client, dataset):
    for path in fetch_all(client, dataset):
        name = path.split("/snapshots/")[1].split("/", 1)[1]
        with open(path, "rb") as file:
            assert file.read() == FILES[name].content


@pytest.mark.parametrize("first", ["ours", "python"])
def test_each_finds_what_the_other_fetched(hub, client, dataset, first):
    def ours():
        assert len(fetch_all(client, dataset)) == len(FILES)

    def python():
        assert client.python_snapshot(dataset).code == 0

    one, other = (ours, python) if first == "ours" else (python, ours)
    one()
    fetched = len(hub.contents())
    # The empty file needs no GET of ours; contents that two files share are fetched once.
    assert fetched >= len({file.hash for file in FILES.values()}) - 1
    before = tree(client.folder(dataset))
    other()
    assert len(hub.contents()) == fetched
    assert tree(client.folder(dataset)) == before


@pytest.mark.parametrize("first", ["ours", "python"])
def test_offline_with_what_the_other_fetched(hub, client, dataset, first):
    if first == "ours":
        fetch_all(client, dataset)
    else:
        client.python_snapshot(dataset)
    asked = len(hub.requests)
    client.environment["HF_HUB_OFFLINE"] = "1"
    if first == "ours":
        assert client.python_snapshot(dataset).code == 0
    else:
        assert len(fetch_all(client, dataset)) == len(FILES)
    assert len(hub.requests) == asked


def test_no_requests_for_a_pinned_commit_that_is_there(hub, client, dataset):
    client.ours("file", dataset, "README.md")
    asked = len(hub.requests)
    client.ours("file", dataset, "README.md", revision=dataset.branches["main"])
    assert len(hub.requests) == asked


def test_a_cache_that_moved(client, dataset, tmp_path):
    """Links are relative."""
    fetch_all(client, dataset)
    shutil.move(client.cache, tmp_path / "moved")
    client.cache = tmp_path / "moved"
    client.environment.update(HF_HUB_CACHE=str(client.cache), HF_HUB_OFFLINE="1")
    (path,) = client.ours("file", dataset, "data/train.parquet").answer
    with open(path, "rb") as file:
        assert file.read() == LARGE


def test_lock_is_the_python_client_s(hub, client, dataset):
    """While someone holds the lock that the Python client takes, ours waits."""
    file = FILES["data/train.parquet"]
    lock = client.cache / ".locks" / client.folder(dataset).name / f"{file.hash}.lock"
    lock.parent.mkdir(parents=True)
    with open(lock, "w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = client.start("file", dataset, "data/train.parquet")
        for line in process.stderr:
            if "waiting for another process" in line:
                break
        assert process.poll() is None and not hub.contents()
        fcntl.flock(held, fcntl.LOCK_UN)
    process.communicate()
    assert process.returncode == 0
    assert client.blob(dataset, file).read_bytes() == LARGE


def test_python_client_waits_for_ours(hub, client, dataset):
    hold = hub.fault(server="storage", hold_after=1000)
    ours = client.start("file", dataset, "data/train.parquet")
    assert hold.holding.wait(30)
    lock = client.cache / ".locks" / client.folder(dataset).name
    code = (f"from filelock import FileLock, Timeout\n"
            f"try:\n    FileLock({str(lock / (FILES['data/train.parquet'].hash + '.lock'))!r})"
            ".acquire(timeout=0.1)\n    print('\"free\"')\n"
            "except Timeout:\n    print('\"held\"')")
    assert client.python(code).answer == "held"
    hold.release.set()
    ours.communicate()
    assert client.python(code).answer == "free"


def test_two_at_once_download_once(hub, client, dataset):
    hold = hub.fault(server="storage", hold_after=1000)
    first = client.start("file", dataset, "data/train.parquet")
    assert hold.holding.wait(30)
    second = client.start("file", dataset, "data/train.parquet")
    deadline = time.monotonic() + 30
    while sum(request.method == "HEAD" for request in hub.requests) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    hold.release.set()
    assert first.communicate()[0] == second.communicate()[0]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(hub.contents()) == 1
