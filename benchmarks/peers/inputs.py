"""Writes the inputs of all engines: batches of ids as .npz, texts as .json.

Sentences are from the docstrings of Python's standard library, which is on every machine.
"""

import importlib
import inspect
import json
import os
import re
import statistics

import numpy as np

_SEED = 20240611
_VOCAB_SIZE = 30000
_FIRST_ORDINARY_ID = 5  # after <pad>, <unk>, [CLS], [SEP] and [MASK]
_SEQ_LENGTH = 128

# Lognormal lengths of mean exp(2.9 + 0.6^2 / 2) = 21.8.
_LENGTHS = statistics.NormalDist(mu=2.9, sigma=0.6)

_MODULES = """
    argparse asyncio calendar cmd collections configparser contextlib csv datetime decimal difflib
    email email.message fractions functools gzip heapq http.client inspect ipaddress json logging
    mailbox numbers optparse os pathlib pickle platform random re sched shutil smtplib socket
    statistics string subprocess tarfile tempfile textwrap threading tokenize traceback unittest
    urllib.parse urllib.request uuid weakref zipfile
"""
_SENTENCE = re.compile(r"(?<![\w.])[A-Z][a-z]*(?: [\w,;:'()-]+){4,40}\.(?=\s|$)")
_NUM_SENTENCES = 256
_NUM_DOCUMENTS, _WORDS_PER_DOCUMENT = 64, 400


def lengths() -> dict[str, tuple[list[int], int]]:
    """Returns the lengths of the rows and the length with padding, by input."""
    return {
        "b1_s12": ([12], 12),
        "b1_s32": ([32], 32),
        "b8_s128": ([_SEQ_LENGTH] * 8, _SEQ_LENGTH),
        "b32_realistic": (_realistic(32), _SEQ_LENGTH),
        "b8_realistic": (_realistic(8), _SEQ_LENGTH),
    }


def _realistic(count: int) -> list[int]:
    """Returns evenly spaced quantiles of the distribution, which need no luck, shuffled."""
    quantiles = [_LENGTHS.inv_cdf((index + 0.5) / count) for index in range(count)]
    rows = np.clip(np.round(np.exp(quantiles)), 1, _SEQ_LENGTH).astype(int)
    return np.random.default_rng(_SEED).permutation(rows).tolist()


def sentences() -> list[str]:
    """Returns distinct sentences, shuffled so that neighbours are unrelated."""
    found: dict[str, None] = {}
    for name in _MODULES.split():
        try:
            module = importlib.import_module(name)
        except ImportError:  # some versions of Python do not have the module
            continue
        documented = [module, *(value for _, value in sorted(vars(module).items()))]
        for value in documented:
            if inspect.ismodule(value) and value is not module:
                continue
            text = " ".join((inspect.getdoc(value) or "").split())
            found.update(dict.fromkeys(_SENTENCE.findall(text)))
    return np.random.default_rng(_SEED).permutation(list(found)).tolist()


def write(directory: str) -> None:
    """Writes every input into `directory`."""
    os.makedirs(directory, exist_ok=True)
    generator = np.random.default_rng(_SEED)
    for name, (rows, seq_length) in lengths().items():
        mask = (np.arange(seq_length) < np.array(rows)[:, None]).astype(np.int32)  # [B, S]
        ids = generator.integers(_FIRST_ORDINARY_ID, _VOCAB_SIZE, mask.shape).astype(np.int32)
        np.savez(
            os.path.join(directory, f"{name}.npz"),
            input_word_ids=ids * mask,
            input_mask=mask,
            input_type_ids=np.zeros_like(mask),
        )
    texts = sentences()
    words = " ".join(texts).split()
    documents = [
        " ".join(np.roll(words, -index * 97)[:_WORDS_PER_DOCUMENT].tolist())
        for index in range(_NUM_DOCUMENTS)
    ]
    _write_texts(directory, "sentences_1", texts[:1])
    _write_texts(directory, "sentences_256", texts[:_NUM_SENTENCES])
    _write_texts(directory, "documents_64", documents)


def _write_texts(directory: str, name: str, texts: list[str]) -> None:
    with open(os.path.join(directory, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(texts, file, indent=0)


def path(directory: str, name: str) -> str:
    """Returns the path of an input."""
    batch = os.path.join(directory, f"{name}.npz")
    return batch if os.path.exists(batch) else os.path.join(directory, f"{name}.json")
