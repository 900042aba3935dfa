"""Lists of files: paged, and the Hub's Parquet copy."""

from clients import FILES, PERMANENT
from stand_in_hub import PAGE, File


def test_pages_are_followed(hub, client, dataset):
    files = {f"part-{index:03}.parquet": File(b"%d" % index, large=index % 2 == 0)
             for index in range(4 * PAGE + 1)}
    dataset.commit(files)
    listed = client.ours("list", dataset).answer
    assert listed == [{"path": path, "size": len(file.content), "hash": file.hash}
                      for path, file in sorted(files.items())]
    assert sum("/tree/" in request.path for request in hub.requests) == 5


def many_files():
    return {f"part-{index:03}.parquet": File(b"%d" % index) for index in range(2 * PAGE + 1)}


def test_pages_that_a_mirror_names_by_the_hub_s_address(hub, client, dataset):
    dataset.commit(many_files())
    hub.named_url = "https://huggingface.invalid"
    assert len(client.ours("list", dataset).answer) == 2 * PAGE + 1


def test_pages_that_lead_to_themselves(hub, client, dataset):
    dataset.commit(many_files())
    hub.same_page = True
    result = client.ours("list", dataset)
    assert result.code == PERMANENT and "has no end" in result.err and "HF_ENDPOINT" in result.err
    assert sum("/tree/" in request.path for request in hub.requests) <= 3


def test_replies_that_nest_deeply(hub, client, dataset):
    hub.fault(path="/tree/", status=200, body=b"[" * 100_000)
    result = client.ours("list", dataset)
    assert result.code == PERMANENT and "deeper" in result.err
    hub.fault(path="/revision/", status=200, body=b"[" * 100_000)
    assert client.ours("list", dataset).code == PERMANENT


def test_python_client_lists_the_same(client, dataset):
    """Sizes and hashes of large files are the content's, not the pointer's."""
    theirs = client.python(
        "print(json.dumps([{'path': f.path, 'size': f.size, 'hash': f.lfs.sha256 if f.lfs else "
        f"f.blob_id}} for f in hub.list_repo_tree({dataset.id!r}, repo_type='dataset', "
        "recursive=True) if isinstance(f, hub.RepoFile)]))").answer
    assert client.ours("list", dataset).answer == sorted(theirs, key=lambda file: file["path"])
    assert len(theirs) == len(FILES)


def test_listed_once(hub, client, dataset):
    client.ours("list", dataset)
    asked = len(hub.requests)
    client.ours("list", dataset, revision=dataset.branches["main"])
    assert len(hub.requests) == asked


def test_parquet_copy(hub, client, dataset):
    paths = ["default/train/0000.parquet", "default/train/0001.parquet",
             "default/validation/0000.parquet", "big/partial-train/0000.parquet"]
    others = ["README.md", "default/train/readme.txt", "flat/old-train.parquet",
              "a/b/c/0000.parquet"]
    dataset.commit({path: File(path.encode(), large=True) for path in paths + others},
                   branch="refs/convert/parquet")
    answer = client.ours("parquet", dataset).answer
    assert answer == [
        {"configuration": "big", "split": "train", "partial": True, "path": paths[3]},
        {"configuration": "default", "split": "train", "partial": False, "path": paths[0]},
        {"configuration": "default", "split": "train", "partial": False, "path": paths[1]},
        {"configuration": "default", "split": "validation", "partial": False, "path": paths[2]},
    ]
