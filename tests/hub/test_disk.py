"""Full disks, killed processes, damaged caches."""

import os
import pathlib
import resource
import signal
import subprocess

import pytest
from clients import DONE, FILES, LARGE, PERMANENT, RETRYABLE, USAGE, Client
from stand_in_hub import File

NAME = "data/train.parquet"
FILE = FILES[NAME]


def fetch(client, dataset, name=NAME, **options):
    return client.ours("file", dataset, name, **options)


def wait_for_bytes(blob, size, hold, process):
    """Until the download under way has written what the server sent."""
    assert hold.holding.wait(30)
    partial = blob.with_name(f"{blob.name}.incomplete")
    while not partial.exists() or partial.stat().st_size < size:
        assert process.poll() is None


@pytest.fixture
def small_disk(tmp_path):
    """150 KB less what the file system takes."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=152k", "tmpfs", folder],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_disk_too_small(hub, dataset, small_disk):
    client = Client(hub, small_disk / "cache")
    result = fetch(client, dataset)
    assert result.code == RETRYABLE
    assert "195.3 KiB needed" in result.err and "HF_HUB_CACHE" in result.err
    assert not hub.contents()  # said before anything was fetched


def test_disk_full_on_the_way(hub, dataset, small_disk):
    content = LARGE[:100_000]
    dataset.commit({"a": File(content, large=True)})
    client = Client(hub, small_disk / "cache")
    hold = hub.fault(server="storage", hold_after=20_000)
    process = client.start("file", dataset, "a")
    wait_for_bytes(client.blob(dataset, File(content, large=True)), 20_000, hold, process)
    filler = pathlib.Path(small_disk) / "filler"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 4096)
    hold.release.set()
    _, err = process.communicate()
    assert process.returncode == RETRYABLE, err
    assert "no space left" in err and "HF_HUB_CACHE" in err
    filler.unlink()
    assert fetch(client, dataset, "a").code == DONE
    assert int(hub.contents()[1].headers["range"][len("bytes="):-1]) >= 20_000  # it went on
    assert client.blob(dataset, File(content, large=True)).read_bytes() == content


def test_file_size_limit(client, dataset):
    """The other way in which a write fails."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    result = fetch(client, dataset, preexec_fn=limit)
    assert result.code == RETRYABLE
    assert f"{FILE.hash}.incomplete" in result.err and "File too large" in result.err
    assert fetch(client, dataset).code == DONE


def test_cache_that_cannot_be_written(hub, dataset, small_disk):
    """What is there is used; what is not is an error that says why."""
    client = Client(hub, small_disk / "cache")
    (path,) = fetch(client, dataset, "README.md").answer
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert fetch(client, dataset, "README.md").answer == [path]
    listed = client.ours("list", dataset)
    assert len(listed.answer) == len(FILES) and "Read-only file system" in listed.err
    assert client.ours("verify", dataset).answer["corrupt"] == []
    result = fetch(client, dataset, "data/empty.txt")
    assert result.code == PERMANENT
    assert "Read-only file system" in result.err and "HF_HUB_CACHE" in result.err


def test_folder_that_cannot_be_written(hub, client, dataset):
    client.cache.write_text("a file", encoding="utf-8")
    result = fetch(client, dataset)
    assert result.code == USAGE and str(client.cache) in result.err


def test_killed_and_resumed(hub, client, dataset):
    hold = hub.fault(server="storage", hold_after=120_000)
    process = client.start("file", dataset, NAME)
    wait_for_bytes(client.blob(dataset, FILE), 120_000, hold, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    hold.release.set()
    assert not client.blob(dataset, FILE).exists()
    result = fetch(client, dataset)
    assert result.code == DONE, result.err
    assert client.blob(dataset, FILE).read_bytes() == LARGE
    resumed = hub.contents()[-1]
    assert resumed.headers["range"] == "bytes=120000-" and resumed.sent == len(LARGE) - 120_000


def damage(blob):
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)


@pytest.mark.parametrize("name", [NAME, "README.md"])
def test_damaged_content_is_found_and_fetched_again(hub, client, dataset, name):
    paths = client.ours("file", dataset, *FILES).answer
    sound = client.ours("verify", dataset).answer
    assert sound["corrupt"] == [] and sound["blobs"] == len({f.hash for f in FILES.values()})
    assert sound["bytes"] == sum({f.hash: len(f.content) for f in FILES.values()}.values())
    blob = client.blob(dataset, FILES[name])
    damage(blob)
    damaged = blob.read_bytes()
    result = client.ours("verify", dataset)
    (corrupt,) = result.answer["corrupt"]
    assert corrupt["hash"] == FILES[name].hash != corrupt["found"]
    assert name in result.err and corrupt["moved_to"] in result.err
    assert pathlib.Path(corrupt["moved_to"]).read_bytes() == damaged and not blob.exists()
    assert sum(os.path.lexists(path) for path in paths) == len(paths) - corrupt["links"]
    assert client.ours("file", dataset, *FILES).answer == paths
    assert blob.read_bytes() == FILES[name].content
    assert client.ours("verify", dataset).answer["corrupt"] == []


def test_what_a_check_of_sizes_lets_through(hub, client, dataset):
    """Wrong bytes that the Python client took, which looks at sizes alone."""
    hub.fault(server="storage", other_bytes=True)
    assert client.python_snapshot(dataset).code == 0
    assert client.blob(dataset, FILE).read_bytes() != LARGE
    (corrupt,) = client.ours("verify", dataset).answer["corrupt"]
    assert corrupt["hash"] == FILE.hash
    assert client.python_snapshot(dataset).code == 0  # finds no link, and fetches it
    assert client.blob(dataset, FILE).read_bytes() == LARGE


def test_the_python_client_sees_nothing_strange(client, dataset):
    """Also after something was moved aside: its own check of the cache has no warnings."""
    client.ours("file", dataset, *FILES)
    damage(client.blob(dataset, FILE))
    client.ours("verify", dataset)
    scan = client.python("scan = hub.scan_cache_dir()\nprint(json.dumps([[str(w) for w in "
                         "scan.warnings], [f.file_name for r in scan.repos for v in r.revisions "
                         "for f in v.files]]))").answer
    assert scan[0] == [] and len(scan[1]) == len(FILES) - 1


def test_truncated_content_is_found(client, dataset):
    client.ours("file", dataset, NAME)
    os.truncate(client.blob(dataset, FILE), 10)
    assert len(client.ours("verify", dataset).answer["corrupt"]) == 1


def test_a_link_without_its_content_is_fetched_again(client, dataset):
    client.ours("file", dataset, NAME)
    client.blob(dataset, FILE).unlink()
    assert fetch(client, dataset).code == DONE
    assert client.blob(dataset, FILE).read_bytes() == LARGE


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": 2, "files": {}}',
                                     '{"format_version": 1, "files": {"a": {}}}'])
def test_a_damaged_list_of_files_is_fetched_again(client, dataset, content):
    before = client.ours("list", dataset).answer
    (kept,) = client.folder(dataset).glob("trees/*.json")
    kept.write_text(content, encoding="utf-8")
    assert client.ours("list", dataset).answer == before
