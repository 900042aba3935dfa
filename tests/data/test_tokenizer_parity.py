"""Our byte-level BPE against Hugging Face tokenizers: same pieces, same ids, same decoded text."""

import json
import random
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import tiktoken
from probes import (BIN, SHARED, SOURCE, hugging_face, probe_files, read_jsonl, require_shared,
                    tokenize_probe, vocabulary)
from tokenizers import Tokenizer
from transformers import GPT2Tokenizer, RobertaTokenizer

ALL = ["synthetic", "gpt2", "roberta"]


@pytest.fixture
def report(capsys):
    def show(line):
        with capsys.disabled():
            print(f"\n  {line}", end="")

    return show


def ids_of(answer):
    return np.frombuffer(answer, np.uint16).tolist()


def compare_encoding(name, records, what, report):
    """`records` are bytes; the reference sees them as Python decodes them."""
    texts = [record.decode("utf-8", errors="replace") for record in records]
    expected = [encoding.ids for encoding in hugging_face(name).encode_batch(texts)]
    found = [ids_of(answer) for answer in tokenize_probe(name, "encode", records)]
    for record, ours, theirs in zip(records, found, expected):
        assert ours == theirs, f"{what}: {record[:200]!r}"
    tokens = sum(map(len, expected))
    assert tokens > 0
    report(f"{name}, {what}: {len(records):,} documents, {sum(map(len, records)):,} bytes, "
           f"{tokens:,} tokens, all equal")
    return expected


def strings_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def real_texts():
    require_shared()
    hub = sorted((SHARED / "hub_samples").glob("*/*"))
    assert hub, "no Hub samples"
    yield "web posts", [r["text"] for r in read_jsonl(SHARED / "text/web_posts.jsonl.gz")]
    yield "EUR-Lex acts", [s for r in read_jsonl(SHARED / "eurlex/eurlex_acts.jsonl.gz")
                           for s in strings_in(r)]
    yield "EuroVoc labels", [(SHARED / "eurlex/eurovoc_labels.json").read_text("utf-8")]
    yield "Hub samples", [s for path in hub if path.suffix == ".jsonl"
                          for s in strings_in(read_jsonl(path))]
    yield "OpenWebText", [path.read_text("utf-8") for path in hub if path.suffix == ".txt"]


# Characters where the GPT-2 pattern has something to decide.
TRICKY = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'", "'S", "’s", " ", "  ", "\n", "\r\n", "\t",
          "\u00a0", "\u2003", "\u3000", "\u0085", "\u200b", "\ufeff", "0", "9", "\u00b2", "\u0664",
          "\u2160", "\u3007", "a", "Z", "é", "e\u0301", "ß", "漢", "字", "한", "ا", "א", "ก",
          "\U0001d400", "😀", "👩\u200d🔬", "\U0001f1eb", "_", "-", ".", "…", "€", "\x00", "\x7f",
          "\ufffd", "\U0010ffff", "<|endoftext|>", "Ġ", "Ċ"]


def random_unicode(generator, length):
    """Half from all planes, weighted to the lower ones; half tricky."""
    def character():
        if generator.random() < 0.5:
            return generator.choice(TRICKY)
        limit = generator.choice([0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000])
        code = generator.randrange(limit)
        return chr(code) if not 0xD800 <= code <= 0xDFFF else "\ue000"

    return "".join(character() for _ in range(length))


@pytest.mark.parametrize("name", ["gpt2", "roberta"])
def test_real_text(name, report):
    for what, texts in real_texts():
        expected = compare_encoding(name, [t.encode() for t in texts], what, report)
        decoded = tokenize_probe(name, "decode", [np.array(ids, np.uint16).tobytes()
                                                  for ids in expected])
        assert [d.decode() for d in decoded] == texts


@pytest.mark.parametrize("name", ALL)
def test_random_unicode_of_all_planes(name, report):
    generator = random.Random(1)
    texts = [random_unicode(generator, generator.randrange(1, 120)) for _ in range(20000)]
    compare_encoding(name, [t.encode() for t in texts], "random Unicode", report)


def characters(wanted):
    return [c for c in map(chr, range(0x110000)) if wanted(c)]


@pytest.mark.parametrize("name", ALL)
def test_white_space_and_combining_marks(name, report):
    """Every white space, separator and control, and every combining mark, after one another and
    after letters, digits and punctuation of any plane."""
    spaces = characters(lambda c: c.isspace() or unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc", "Cf"))
    marks = characters(lambda c: unicodedata.category(c)[0] == "M")
    others = characters(lambda c: unicodedata.category(c)[0] in "LNPS")
    assert len(spaces) > 200 and len(marks) > 2000
    generator = random.Random(4)

    def run():
        kind = generator.choice([spaces, spaces, marks, others, ["a", "1", ".", "'s", " "]])
        return "".join(generator.choices(kind, k=generator.randrange(1, 6)))

    texts = ["".join(run() for _ in range(generator.randrange(1, 12))) for _ in range(20000)]
    texts += ["a" + c * 2 + "b" for c in spaces + marks]
    compare_encoding(name, [t.encode() for t in texts], "white space and marks", report)


@pytest.mark.parametrize("name", ALL)
def test_every_plane(name, report):
    """Private-use and unassigned code points, too: each plane as often as another."""
    generator = random.Random(5)

    def character():
        code = generator.randrange(17) << 16 | generator.randrange(0x10000)
        return chr(code) if not 0xD800 <= code <= 0xDFFF else " "

    texts = ["".join(character() for _ in range(40)) for _ in range(10000)]
    compare_encoding(name, [t.encode() for t in texts], "all planes alike", report)


# --- tiktoken: another implementation of the same ranks -------------------------------------------

GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def gpt2_in_tiktoken():
    vocab, merges = vocabulary("gpt2")
    spelled = json.loads(vocab.read_text())
    alphabet = tiktoken_alphabet()
    ranks = {bytes(alphabet[c] for c in token): rank for token, rank in spelled.items()
             if token != "<|endoftext|>"}
    return tiktoken.Encoding("gpt2", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={})


def tiktoken_alphabet():
    """Byte by the character that spells it (Radford et al., encoder.py, bytes_to_unicode)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


def test_tiktoken_gives_the_same_ids(report):
    encoding = gpt2_in_tiktoken()
    generator = random.Random(6)
    sets = [*((what, texts[:1000]) for what, texts in real_texts()), ("random Unicode", [random_unicode(generator, 80) for _ in range(5000)])]
    for what, texts in sets:
        found = [ids_of(answer) for answer in
                 tokenize_probe("gpt2", "encode", [text.encode() for text in texts])]
        expected = encoding.encode_ordinary_batch(texts, num_threads=1)
        for text, ours, theirs in zip(texts, found, expected):
            assert ours == theirs, f"{what}: {text[:200]!r}"
        report(f"tiktoken {tiktoken.__version__}, {what}: {len(texts):,} texts, "
               f"{sum(map(len, expected)):,} tokens, all equal")


# --- tokenizer.json -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_json(tokenizer_json):
    """A small one of the same form: the first 40 merges."""
    small = json.loads(tokenizer_json["gpt2"].read_text())
    model = small["model"]
    model["merges"] = model["merges"][:40]
    model["vocab"] = {token: id for token, id in model["vocab"].items() if id < 296}
    model["vocab"]["<|endoftext|>"] = small["added_tokens"][0]["id"] = 296
    return json.dumps(small)


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory):
    """tokenizer.json by what wrote it: Transformers today, tokenizers, and as published in 2019 to
    2023 (merges as lines, ByteLevel as post-processor, no use_regex)."""
    folder = tmp_path_factory.mktemp("tokenizers")
    files = {}
    for name, kind in (("gpt2", GPT2Tokenizer), ("roberta", RobertaTokenizer)):
        vocab, merges = vocabulary(name)
        kind(vocab=str(vocab), merges=str(merges)).save_pretrained(folder / name)
        files[name] = folder / name / "tokenizer.json"
    plain = folder / "plain.json"
    hugging_face("gpt2").save(str(plain))
    files["plain"] = plain
    old = json.loads(files["gpt2"].read_text())
    old["model"]["merges"] = [" ".join(merge) for merge in old["model"]["merges"]]
    old["post_processor"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False}
    old["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    for member in ("byte_fallback", "ignore_merges"):
        del old["model"][member]
    files["old"] = folder / "old.json"
    files["old"].write_text(json.dumps(old))
    return files


@pytest.mark.parametrize("name", ["gpt2", "roberta", "plain", "old"])
def test_tokenizer_json_gives_the_same_ids(name, tokenizer_json, report):
    reference = Tokenizer.from_file(str(tokenizer_json[name]))
    special = [token.content for token in reference.get_added_tokens_decoder().values()]
    generator = random.Random(7)
    texts = [text for _, found in real_texts() for text in found[:400]]
    texts += [random_unicode(generator, 80) for _ in range(5000)]
    # Special tokens that a text spells are text to us (test_special_tokens_in_text_are_text).
    texts = [text for text in texts if not any(token in text for token in special)]
    records = [text.encode() for text in texts]
    expected = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
    found = [ids_of(answer) for answer in probe_files([tokenizer_json[name]], "encode", records)]
    assert found == expected
    decoded = probe_files([tokenizer_json[name]], "decode",
                          [np.array(ids, np.uint16).tobytes() for ids in expected])
    assert [d.decode() for d in decoded] == texts
    report(f"tokenizer.json, {name}: {len(texts):,} texts, {sum(map(len, expected)):,} tokens, all equal")


ADDED = {"id": 297, "content": "[new]", "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}


@pytest.mark.parametrize("member, value, parts", [
    ("normalizer", {"type": "NFC"}, ["'normalizer'", "expected null", "NFC"]),
    ("normalizer", {"type": "Sequence", "normalizers": [{"type": "NFC"}]}, ["'normalizer'", "NFC"]),
    ("pre_tokenizer/add_prefix_space", True, ["'pre_tokenizer.add_prefix_space'", "false", "true"]),
    ("pre_tokenizer/use_regex", False, ["'pre_tokenizer.use_regex'", "true or null", "false"]),
    ("pre_tokenizer/behavior", "x", ["'pre_tokenizer.behavior'", "no such member"]),
    ("pre_tokenizer", {"type": "Sequence", "pretokenizers": []}, ["'pre_tokenizer'", "ByteLevel alone"]),
    ("pre_tokenizer", {"type": "Sequence", "pretokenizers": 5}, ["'pre_tokenizer.pretokenizers'"]),
    ("pre_tokenizer", {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "\\d"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
     ["'pre_tokenizer'", "ByteLevel alone"]),
    ("pre_tokenizer", None, ["'pre_tokenizer'", "ByteLevel alone", "null"]),
    ("post_processor", {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]},
     ["'post_processor."]),
    ("post_processor/single", [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                               {"Sequence": {"id": "A", "type_id": 0}}],
     ["'post_processor'", "nothing or <s> and </s>", "[CLS]"]),
    ("decoder", {"type": "WordPiece"}, ["'decoder.type'", "WordPiece"]),
    ("version", "2.0", ["'version'", '"1.0"', '"2.0"']),
    ("surprise", 1, ["'surprise'", "no such member"]),
    ("model/type", "Unigram", ["'model.type'", '"BPE"', "Unigram"]),
    ("model/dropout", 0.1, ["'model.dropout'", "0.1"]),
    ("model/byte_fallback", True, ["'model.byte_fallback'", "true"]),
    ("model/ignore_merges", True, ["'model.ignore_merges'", "true"]),
    ("model/end_of_word_suffix", "</w>", ["'model.end_of_word_suffix'", "</w>"]),
    ("model/continuing_subword_prefix", "##", ["'model.continuing_subword_prefix'", "##"]),
    ("model/vocab", [], ["'model.vocab'", "token: id"]),
    ("model/merges", ["a"], ["'model.merges[0]'", "two tokens"]),
    ("model/merges", [["h", "e"]] * 2, ["merge 2", "again"]),
    ("model/merges", [["h", "e"]], ["expected a merge for every token"]),
    ("added_tokens", [ADDED | {"special": False}], ["'added_tokens['[new]'].special'"]),
    ("added_tokens", [ADDED | {"id": 7}], ["unique id"]),
    ("added_tokens", [ADDED | {"id": 7, "content": "<|endoftext|>"}], ["296 as in model.vocab"]),
    ("added_tokens", [{"id": "x"}], ["'added_tokens'", "id and content"]),
])
def test_what_a_tokenizer_json_may_not_say_is_named(member, value, parts, small_json, tmp_path):
    changed = json.loads(small_json)
    *path, last = member.split("/")
    target = changed
    for name in path:
        target = target[name]
    target[last] = value
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(changed))
    done = subprocess.run([BIN / "tokenize_probe", "encode", file], input=b"", capture_output=True)
    assert done.returncode == 2, done.stderr
    for part in [str(file), *parts]:
        assert part in done.stderr.decode(), done.stderr.decode()


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
ROBERTA = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True,
           "add_prefix_space": False}


@pytest.mark.parametrize("members", [
    {"truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
     "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
                 "pad_id": 1, "pad_type_id": 0, "pad_token": "!"}},
    {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTE_LEVEL | {"use_regex": True}]},
     "decoder": {"type": "Sequence", "decoders": [BYTE_LEVEL]},
     "post_processor": {"type": "Sequence", "processors": [BYTE_LEVEL]},
     "normalizer": {"type": "Sequence", "normalizers": []}},
])
def test_what_changes_no_id_is_taken(members, small_json, tmp_path):
    """The ids are those of tokenizers without cutting and padding."""
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(json.loads(small_json) | members))
    reference = Tokenizer.from_file(str(file))
    reference.no_truncation()
    reference.no_padding()
    texts = ["the other hat  is here", " then", "Ünïcode 123"]
    expected = [reference.encode(text, add_special_tokens=False).ids for text in texts]
    assert [ids_of(a) for a in probe_files([file], "encode", [t.encode() for t in texts])] == expected


def test_two_processors_with_marks_are_refused(small_json, tmp_path):
    file = tmp_path / "tokenizer.json"
    both = {"type": "Sequence", "processors": [ROBERTA, ROBERTA]}
    file.write_text(json.dumps(json.loads(small_json) | {"post_processor": both}))
    done = subprocess.run([BIN / "tokenize_probe", "encode", file], input=b"", capture_output=True)
    assert done.returncode == 2 and b"'post_processor'" in done.stderr


def test_added_special_tokens_extend_the_vocabulary(small_json, tmp_path):
    changed = json.loads(small_json)
    changed["added_tokens"].append(ADDED)
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(changed))
    (decoded,) = probe_files([file], "decode", [np.array([297, 64], np.uint16).tobytes()])
    assert decoded == b"[new]a"
    (ids,) = probe_files([file], "encode", [b"[new]"])
    assert 297 not in ids_of(ids)


def test_every_code_point_splits_alike(report):
    """Every code point after a letter, a space and a line's end, before itself, a digit and space."""
    codes = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    texts = ["".join(f"a{c} {c}{c}1\n{c} " for c in map(chr, codes[i : i + 2000]))
             for i in range(0, len(codes), 2000)]
    tokenizer = hugging_face("synthetic").pre_tokenizer
    answers = tokenize_probe("synthetic", "split", [t.encode() for t in texts])
    pieces = 0
    for text, answer in zip(texts, answers):
        # A piece is spelled with one character a byte.
        expected = [len(piece) for piece, _ in tokenizer.pre_tokenize_str(text)]
        assert np.frombuffer(answer, np.uint32).tolist() == expected, hex(ord(text[1]))
        pieces += len(expected)
    report(f"{len(codes):,} code points in context, {pieces:,} pieces, all equal")


@pytest.mark.parametrize("name", ALL)
def test_invalid_utf8_is_replaced_as_python_does(name, report):
    generator = random.Random(2)
    leads = bytes([0x41, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1,
                   0xF4, 0xF5, 0xFF])
    follow = bytes([0x20, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xF0])
    records = [bytes([a, b, c, d]) for a in leads for b in follow for c in follow for d in follow]
    records += [bytes([a, b]) for a in range(256) for b in range(256)]
    records += [generator.randbytes(generator.randrange(1, 200)) for _ in range(2000)]
    for _ in range(5000):
        damaged = bytearray(random_unicode(generator, 40).encode())
        for _ in range(3):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        cut = generator.randrange(len(damaged))
        records += [bytes(damaged), bytes(damaged[:cut] or b"\xf0"), bytes(damaged[cut:])]
    compare_encoding(name, records, "invalid UTF-8", report)


@pytest.mark.parametrize("name", ALL)
def test_long_runs(name, report):
    runs = [" ", "a", "\n", ".", "0", "é", "漢", "ab", " a", "the", "'s", "\t ", "=-"]
    records = [run * n for run in [*(run.encode() for run in runs), b"\xff"]
               for n in (1, 2, 15, 16, 17, 29, 30, 31, 47, 48, 49, 50, 100, 1000, 100_000)]
    compare_encoding(name, records + [r + b"x" for r in records], "long runs", report)


@pytest.mark.parametrize("name", ALL)
def test_special_tokens_in_text_are_text(name, report):
    records = [b"<|endoftext|>", b"a<|endoftext|>b", b"<s> <pad></s><mask><unk>", b" <|endoftext|> "]
    expected = compare_encoding(name, records, "spelled special tokens", report)
    assert all(len(ids) > 1 for ids in expected)


@pytest.mark.parametrize("name", ALL)
def test_random_ids_decode_alike(name, report):
    tokenizer = hugging_face(name)
    generator = np.random.default_rng(3)
    lists = [generator.integers(0, tokenizer.get_vocab_size(), generator.integers(1, 60))
             for _ in range(5000)]
    answers = tokenize_probe(name, "decode", [ids.astype(np.uint16).tobytes() for ids in lists])
    for ids, answer in zip(lists, answers):
        assert answer.decode() == tokenizer.decode(ids.tolist(), skip_special_tokens=False)
    report(f"{name}: {len(lists):,} random lists of ids decode to the same text")


def test_shipped_tokenizer_is_what_training_gives(tmp_path):
    corpus = subprocess.run([BIN / "synthetic_probe", "2000", "32"], capture_output=True, check=True)
    subprocess.run([sys.executable, SOURCE / "scripts/train-synthetic-bpe", tmp_path],
                   input=corpus.stdout, check=True)
    shipped = SOURCE / "configs/tokenizers/synthetic"
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes(), name


def test_character_classes_are_what_the_generator_gives():
    generated = subprocess.run([sys.executable,
                                SOURCE / "scripts/generate-unicode-classes"],
                               capture_output=True, check=True)
    assert generated.stdout == (SOURCE / "src/data/unicode_classes.inc").read_bytes()
