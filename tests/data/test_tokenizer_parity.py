"""Our byte-level BPE against Hugging Face tokenizers: same pieces, same ids, same decoded text."""

import random
import subprocess
import sys

import numpy as np
import pytest
from probes import BIN, SHARED, SOURCE, hugging_face, read_jsonl, require_shared, tokenize_probe

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
