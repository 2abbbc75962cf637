"""Text models of `testdata/text_models`, each written once in a test run, with recorded results.

Example:
    serve = text_models.signature("tag")
    serve(sentences=text_models.expected()["texts"])
"""

import functools
import gzip
import json
import pathlib
import shutil
from typing import Any

import numpy as np
import safetensors.numpy
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the ops

from export.artifacts import (
    encoder_artifact,
    encoder_spec,
    preprocessor_artifact,
    text_model_artifact,
    text_model_spec,
)
from export.metadata import finalize
from tests.support import cases, shared_run, tokenizers

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "text_models"
TOKENIZER = "v5_lower1_keep0"  # of all of them
NAMES = ("answer", "fill_mask", "multi", "regression", "single", "tag")


@functools.cache
def expected() -> dict[str, Any]:
    """Returns the texts, and what transformers' pipelines give for them."""
    return json.loads((ROOT / "expected.json").read_text(encoding="utf-8"))


def checkpoint(name: str, folder: pathlib.Path, tokenizer: str = TOKENIZER) -> str:
    """Copies a model into a new folder, with a tokenizer; returns its path.

    The rows that a larger vocabulary has besides are random.
    """
    shutil.copytree(ROOT / name, folder)
    file = pathlib.Path(tokenizers.write(tokenizer, folder))
    if tokenizer in tokenizers.WORDPIECE:
        values = json.loads(file.read_text(encoding="utf-8"))
        ids = [*values["model"]["vocab"].values(), *(one["id"] for one in values["added_tokens"])]
        size = 1 + max(ids)
        tensors = safetensors.numpy.load_file(folder / "model.safetensors")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for key, value in tensors.items():
            if len(value) == config["vocab_size"]:
                shape = (size - len(value), *value.shape[1:])
                more = np.random.default_rng(0).normal(0, value.std(), shape)
                tensors[key] = np.concatenate([value, more.astype(value.dtype)])
        config["vocab_size"] = size
        safetensors.numpy.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def parts(name: str, tokenizer: str = TOKENIZER) -> pathlib.Path:
    """Returns a folder with `checkpoint`, and the `encoder` and `preprocessor` made of it."""

    def preprocessor(folder: pathlib.Path) -> pathlib.Path:
        spec = encoder_spec.from_checkpoint(checkpoint(name, folder / "checkpoint", tokenizer))
        path = folder / "preprocessor"
        preprocessor_artifact.write(str(path), tokenizer=spec.tokenizer, default_seq_length=16)
        finalize.finalize(str(path), serving_warmup=False)
        return path

    def write(folder: pathlib.Path) -> pathlib.Path:
        spec = encoder_spec.from_checkpoint(checkpoint(name, folder / "checkpoint", tokenizer))
        encoder_artifact.write(str(folder / "encoder"), spec=spec, compute_dtype="float32")
        finalize.finalize(str(folder / "encoder"), serving_warmup=False)
        made = shared_run.once(f"text_models/preprocessor/{tokenizer}", preprocessor)
        (folder / "preprocessor").symlink_to(made)
        return folder

    return shared_run.once(f"text_models/parts/{name}/{tokenizer}", write)


def directory(name: str, tokenizer: str = TOKENIZER, **request: Any) -> str:
    """Returns the folder of a text model, as the fields of a `text_model_spec.Request` say."""

    def write(folder: pathlib.Path) -> pathlib.Path:
        made_of = parts(name, tokenizer)
        spec = text_model_spec.TextModelSpec(
            encoder_dir=str(made_of / "encoder"),
            preprocessor_dir=str(made_of / "preprocessor"),
            request=text_model_spec.Request(**request),
        )
        text_model_artifact.write(str(folder), spec=spec)
        finalize.finalize(str(folder), serving_warmup=False)
        return folder

    said = "-".join(f"{key}={value}" for key, value in sorted(request.items()))
    return str(shared_run.once(f"text_models/{name}/{tokenizer}/{said or 'default'}", write))


@functools.cache
def load(name: str, **request: Any) -> Any:
    """Returns the loaded text model."""
    return hub.load(directory(name, **request))


def serve(name: str, **inputs: Any) -> dict[str, Any]:
    """Returns the outputs of `serving_default` as NumPy arrays."""
    signature = load(name).signatures["serving_default"]
    outputs = signature(**{key: tf.constant(value) for key, value in inputs.items()})
    return {key: value.numpy() for key, value in outputs.items()}


def sentence_transformers_case(folder: pathlib.Path) -> str:
    """Copies the folder of sentence-transformers among the cases; returns its path."""
    shutil.copytree(cases.ROOT / "sentence_transformers_root", folder)
    packed = cases.ROOT / "tokenizer_json_only" / "tokenizer.json.gz"
    (folder / "tokenizer.json").write_bytes(gzip.decompress(packed.read_bytes()))
    return str(folder)
