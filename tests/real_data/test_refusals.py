"""What goes wrong on the way from the Hub to a run ends in an error that names repository, revision
and file and says what to do, or in recovery that the log shows."""

import pytest
import safetensors.torch
from conftest import SHORT, ok, refused
from published import (EURLEX57K, GPT2, LEX_GLUE, MULTI_EURLEX, ROBERTA, SMALL_SHAPE, gpt2_weights,
                       parquet)
from stand_in_hub import File

PREPARE = ["data", "prepare", "--scenario", "C", "--length", "32"]
RUN_A = ["run", "--scenario", "A", *SHORT, "--data-examples", "200"]


def replace(repository, **changes):
    """A new commit with some files changed, or gone (None)."""
    [branch] = repository.branches
    files = dict(repository.commits[repository.branches[branch]])
    for path, content in changes.items():
        files.pop(path, None)
        if content is not None:
            files[path] = content
    repository.commit(files, branch)


def test_missing_tokenizer(hub, bench):
    replace(hub.repositories["models", GPT2], **{"tokenizer.json": None})
    refused(bench(*PREPARE), 2, f"File 'tokenizer.json' of model '{GPT2}' at revision 'main'",
            "no such file", f"{hub.url}/{GPT2}/tree/main")


def test_missing_weights_never_fall_back_to_scratch(hub, bench):
    replace(hub.repositories["models", GPT2], **{"model.safetensors": None})
    refused(bench(*RUN_A), 2, f"File 'model.safetensors' of model '{GPT2}' at revision 'main'",
            "no such file")
    assert not list(bench.folder.glob("runs/*/result.json"))


def test_missing_revision(bench):
    refused(bench(*PREPARE, "--data", f"hf://datasets/{LEX_GLUE}@v9/eurlex"), 2,
            f"Data set '{LEX_GLUE}' at revision 'v9'", "no such revision")


def test_gated(hub, bench):
    repository = hub.repositories["datasets", LEX_GLUE]
    repository.token, repository.gated = "hf_right", True
    refused(bench(*PREPARE), 4, f"Data set '{LEX_GLUE}' at revision 'main'", "gated", "HF_TOKEN",
            f"{hub.url}/datasets/{LEX_GLUE}")
    message = refused(bench(*PREPARE, HF_TOKEN="hf_wrong"), 4, "gated", "HF_TOKEN")
    assert "hf_wrong" not in message
    ok(bench(*PREPARE, HF_TOKEN="hf_right"))


def test_wrong_label_column(bench):
    address = f"hf://datasets/{LEX_GLUE}@main/eurlex/test-00000-of-00001.parquet"
    refused(bench(*PREPARE, "--label-field", "label"), 2, address, "'label' (data.label_field)",
            "Did you mean 'labels'?")
    refused(bench(*PREPARE, "--label-field", "text", "--text-field", "labels"), 2, address,
            "'labels'", "a string")


def test_label_column_of_another_type(hub, bench):
    replace(hub.repositories["datasets", LEX_GLUE], **{
        "eurlex/test-00000-of-00001.parquet": parquet({"text": ["a"], "labels": [0.5]})})
    refused(bench(*PREPARE), 2, f"hf://datasets/{LEX_GLUE}@main/eurlex/test-00000-of-00001.parquet",
            "'labels'", "a string, an integer, or a list of either", "double")


def test_several_data_sets(bench):
    refused(bench(*PREPARE, "--data", f"hf://datasets/{LEX_GLUE}"), 2, "holds 2 data sets",
            "eurlex, ledgar", f"--data hf://datasets/{LEX_GLUE}@main/ledgar")
    refused(bench(*PREPARE, "--data", f"hf://datasets/{EURLEX57K}"), 2, "data, eurovoc_concepts")
    refused(bench(*PREPARE, "--data", f"hf://datasets/{MULTI_EURLEX}"), 2, "de, en")


def test_a_folder_without_data(bench):
    refused(bench(*PREPARE, "--data", f"hf://datasets/{LEX_GLUE}/eurlx"), 2,
            f"'eurlx' in 'hf://datasets/{LEX_GLUE}@main'", "Did you mean 'eurlex'", "Known: eurlex, ledgar")


def test_addresses_that_are_none(bench):
    for address in ("hf://", "hf://datasets/", "hf://lex_glue", "hf://datasets/lex_glue",
                    "hf://a/", "hf:///b", "hf://a/b@/c"):
        refused(bench(*PREPARE, "--data", address), 2, "'data.source' must be an address on the Hub",
                f"got '{address}'")
    for flag, setting in (("--tokenizer", "data.tokenizer"),):
        refused(bench(*PREPARE, flag, "hf://x"), 2, f"'{setting}' must be an address")
    refused(bench("run", "--scenario", "A", *SHORT, "--init", "hf://gpt2/model.bin"), 2,
            "'hf://gpt2/model.bin' holds a pickle of torch")


def test_offline_from_an_empty_cache(hub, bench):
    message = refused(bench(*PREPARE, HF_HUB_OFFLINE="1"), 4, "HF_HUB_OFFLINE forbids",
                      f"File 'tokenizer.json' of model '{GPT2}' at revision 'main'",
                      f"hf download {GPT2} --revision main tokenizer.json")
    assert str(bench.folder / "hub") in message and not hub.requests
    ok(bench(*PREPARE))
    refused(bench("run", "--scenario", "C", *SHORT, HF_HUB_OFFLINE="1"), 4,
            f"File 'model.safetensors' of model '{GPT2}' at revision 'main'",
            f"hf download {GPT2} --revision main model.safetensors")


def test_weights_of_another_shape(hub, bench):
    refused(bench("run", "--scenario", "A", *SHORT, "--set", "model.width=32",
                  "--data-examples", "200"), 2, "tensor 'wte.weight' has shape", "64", "32")
    refused(bench("run", "--scenario", "B", *SHORT, "--data-examples", "200", "--init",
                  f"hf://{GPT2}/model.safetensors"), 2, "lacks the tensor")
    replace(hub.repositories["models", GPT2],
            **{"model.safetensors": File(b"\x01 no tensors", large=True)})
    refused(bench(*RUN_A), 2, "model.safetensors", "models--openai-community--gpt2")


def test_a_truncated_parquet_file(hub, bench):
    repository = hub.repositories["datasets", LEX_GLUE]
    [files] = repository.commits.values()
    path = "eurlex/train-00000-of-00001.parquet"
    replace(repository, **{path: File(files[path].content[:-200], large=True)})
    refused(bench(*PREPARE), 2, f"hf://datasets/{LEX_GLUE}@main/{path}")


def damage(bench, repository, name):
    """Other bytes of the right size, in the cache."""
    [link] = [link for link in bench.cached(repository) if link.name == name]
    blob = link.resolve()
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    return blob


def test_a_damaged_cache_is_found_and_fetched_again(hub, bench):
    repository = hub.repositories["datasets", LEX_GLUE]
    ok(bench(*PREPARE))
    address = f"hf://datasets/{LEX_GLUE}"
    assert "3 files" in ok(bench("data", "verify", address))
    blob = damage(bench, repository, "train-00000-of-00001.parquet")
    process = bench("data", "verify", address)
    assert process.returncode == 4
    assert "eurlex/train-00000-of-00001.parquet" in process.stderr and "quarantine" in process.stderr
    assert not blob.exists()
    assert len(list((blob.parents[1] / "quarantine").iterdir())) == 1
    before = len(hub.contents())
    ok(bench(*PREPARE, DTBENCH_CACHE=str(bench.folder / "other")))
    assert len(hub.contents()) == before + 1
    assert "3 files" in ok(bench("data", "verify", address))


def test_damaged_data_is_never_tokenized(hub, bench):
    """Nobody ran verify: the run itself finds it."""
    first = ok(bench(*PREPARE))
    damage(bench, hub.repositories["datasets", LEX_GLUE], "train-00000-of-00001.parquet")
    again = bench(*PREPARE, DTBENCH_CACHE=str(bench.folder / "other"))
    assert ok(again).replace("/other/", "/dtbench/") == first
    assert "moved to" in again.stderr and "quarantine" in again.stderr


def test_damaged_weights_are_never_trained_on(hub, bench):
    ok(bench(*RUN_A, "--out", "first"))
    repository = hub.repositories["models", GPT2]
    damage(bench, repository, "model.safetensors")
    refused(bench(*RUN_A, "--out", "offline", HF_HUB_OFFLINE="1"), 4, "model.safetensors", GPT2)
    ok(bench(*RUN_A, "--out", "again"))
    assert bench.record("again")["losses"] == bench.record("first")["losses"]


def test_a_record_of_other_weights_is_not_resumed(hub, bench):
    """The branch moved: the record says what it was made from, and is left alone."""
    ok(bench(*RUN_A))
    import torch
    replace(hub.repositories["models", GPT2], **{"model.safetensors": other_weights(SMALL_SHAPE)})
    refused(bench(*RUN_A), 2, "made from other initial weights", f"hf://{GPT2}/model.safetensors",
            "--rerun")


def other_weights(shape):
    tensors = safetensors.torch.load(gpt2_weights(shape).content)
    tensors["ln_f.bias"] += 1
    return File(safetensors.torch.save(tensors), large=True)


@pytest.mark.parametrize("repository", [GPT2, ROBERTA])
def test_no_network(hub, bench, repository):
    """Nobody listens: the error names what was asked for, after the last try."""
    hub.close()
    scenario = "C" if repository == GPT2 else "D"
    refused(bench("data", "prepare", "--scenario", scenario), 3, f"Model '{repository}'")
