"""Every reader of files that others may have made or damaged, and sound files for each.

Example:
    reader = readers.READERS["safetensors"]
    reader.make(folder); reader.read(folder)
"""

import functools
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from configs import tokenizations
from export.artifacts import encoder_spec, tokenizer_choice
from export.checkpoints import restore
from export.checkpoints.readers import sentence_transformers
from export.saved_models import loading
from tests.fuzzing import harness, originals, published, runtimes
from tests.fuzzing.harness import Reader
from tests.support import cases, tokenizers

_SETTINGS = ("*config*.json", "*_map.json", "added_tokens.json", "modules.json", "*.yaml")


def _weights(
    path: pathlib.Path, *, opened: str = ".", adapter: str | None = None
) -> Mapping[str, Any]:
    """Reads a checkpoint as `export.encoder` does, but for the tokenizer."""
    given = path / originals.CONFIG
    spec = encoder_spec.from_checkpoint(
        str(path / opened),
        config=str(given) if given.exists() else None,
        tokenizer=None,
        adapter=str(path / adapter) if adapter else None,
    )
    assert spec.checkpoint is not None
    weights = restore.read(spec.checkpoint, config=spec.config, heads=spec.chosen_heads.trained)
    told = {"config": repr(spec.config), "heads": [repr(h) for h in spec.chosen_heads.heads]}
    spec.notices()
    entries = sorted(spec.checkpoint.manifest_entries())
    return {**weights, **told, "entries": entries, harness.LEFT_OUT: sorted(spec.unused)}


def _tokenizer(path: pathlib.Path) -> Mapping[str, Any]:
    """Reads the tokenizer beside weights, and has SentencePiece try it."""
    request = tokenizer_choice.Request()
    found = tokenizer_choice.resolve(
        request, directories=[str(path)], default=tokenizations.HUGGING_FACE
    )
    if found is None:
        raise FileNotFoundError("no tokenizer")
    for holder in (found.vocabulary, getattr(found.hugging_face, "model", None)):
        if hasattr(holder, "proto"):
            _encode(holder.proto)
    return {
        "pieces": list(found.described.pieces),
        "entries": json.dumps(found.manifest_entries(), sort_keys=True),
        "settings": found.settings,
        "asset": found.asset,
        "notices": list(found.notices),
    }


def _encode(proto: bytes) -> None:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=proto)
    processor.decode(processor.encode("Caf\u00e9 \u2167, \ufb01ne \u2028 \U0001f600 " * 20))


def _read_pooling(path: pathlib.Path) -> Mapping[str, Any]:
    recipe = sentence_transformers.read(str(path))
    if recipe is None:
        raise FileNotFoundError("no modules")
    if recipe.pooling is None:
        return {"rest": [recipe.max_seq_length, recipe.notices]}
    dense = recipe.pooling.dense
    arrays = {f"{n}.{k}": getattr(layer, k) for n, layer in enumerate(dense) for k in _PARTS}
    for layer in dense:
        assert layer.kernel.ndim == 2 and layer.bias.shape == layer.kernel.shape[1:]
    rest = [recipe.pooling.modes, recipe.pooling.prompt, recipe.max_seq_length, recipe.notices]
    return {**arrays, "rest": rest}


_PARTS = ("kernel", "bias")


def _audited(path: pathlib.Path) -> Mapping[str, Any]:
    loading.audit(str(path))
    return {"graph": (path / "saved_model.pb").read_bytes().hex()}


def _table(readers: Sequence[Reader]) -> Mapping[str, Reader]:
    return {reader.name: reader for reader in readers}


_TENSORFLOW = ("*.index", "*.data-*", "checkpoint")
_GARDEN = originals.TINY / "model_garden"
_read_masked_lm = functools.partial(_weights, opened="masked_lm.weights.h5")

READERS = _table(
    [
        Reader(
            name="tf1",
            make=originals.copy(
                originals.TINY / "tf1" / "train", originals.TINY / "tf1" / "albert_config.json"
            ),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="tf1_hub",
            make=originals.copy(originals.TINY / "tf1_hub"),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="brightmart",
            make=originals.copy(cases.ROOT / "tf1_brightmart_layer_shared"),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="model_garden",
            make=originals.with_given_config(originals.copy(_GARDEN / "encoder")),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="model_garden_pretrainer",
            make=originals.with_given_config(originals.copy(_GARDEN / "pretrainer")),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="saved_model",
            make=originals.saved_model,
            read=_weights,
            files=(*_TENSORFLOW, "*.pb", "*.pb"),
            others="values",
        ),
        Reader(
            name="safetensors",
            make=originals.copy(
                originals.TINY / "hf" / "model.safetensors", originals.TINY / "hf" / "config.json"
            ),
            read=_weights,
            files=("*.safetensors",),
            others="values",
        ),
        Reader(
            name="shards",
            make=originals.shards,
            read=_weights,
            files=("*.index.json", "*.safetensors"),
            others="values",
        ),
        Reader(
            name="torch",
            make=originals.copy(
                originals.TINY / "hf" / "pytorch_model.bin", originals.TINY / "hf" / "config.json"
            ),
            read=_weights,
            files=("*.bin",),
        ),
        Reader(
            name="torch_legacy",
            make=originals.copy(originals.TINY / "hf" / "legacy"),
            read=_weights,
            files=("*.bin",),
            others="values",
        ),
        Reader(
            name="keras_hub",
            make=originals.copy(originals.TINY / "keras_hub" / "preset"),
            read=_weights,
            files=("*.h5",),
            others="values",
        ),
        Reader(
            name="keras_hub_task",
            make=originals.masked_lm,
            read=_read_masked_lm,
            files=("*.h5",),
            others="values",
        ),
        Reader(
            name="tf_albert",
            make=originals.copy(cases.ROOT / "tf_albert"),
            read=_weights,
            files=("*.h5",),
            others="values",
        ),
        Reader(
            name="adapter",
            make=originals.copy(cases.ROOT / "peft_lora_adapter"),
            read=functools.partial(_weights, opened="base", adapter="adapter"),
            files=("adapter/*",),
            others="anything",
        ),
        Reader(
            name="head_adapter",
            make=originals.copy(cases.ROOT / "peft_other_heads"),
            read=functools.partial(_weights, opened="base", adapter="classify"),
            files=("classify/*", "base/config.json"),
            others="anything",
        ),
        Reader(
            name="config",
            make=originals.labels,
            read=_weights,
            files=("config.json",),
            others="anything",
        ),
        Reader(
            name="original_config",
            make=originals.copy(
                originals.TINY / "tf1" / "train", originals.TINY / "tf1" / "albert_config.json"
            ),
            read=_weights,
            files=("*.json",),
            others="anything",
        ),
        Reader(
            name="keras_hub_config",
            make=originals.copy(originals.TINY / "keras_hub" / "preset"),
            read=_weights,
            files=("*.json",),
            others="anything",
        ),
        Reader(
            name="params_yaml",
            make=originals.params,
            read=_weights,
            files=("*.yaml",),
            others="anything",
        ),
        Reader(
            name="sentence_transformers",
            make=originals.pooling,
            read=_read_pooling,
            files=("modules.json", "*/*", "*config*.json"),
            others="anything",
        ),
        Reader(
            name="tokenizer_json",
            make=originals.tokenizer_json(tokenizers.UNIGRAM[0]),
            read=_tokenizer,
            others="anything",
        ),
        Reader(
            name="tokenizer_json_wordpiece",
            make=originals.tokenizer_json(tokenizers.WORDPIECE[0]),
            read=_tokenizer,
            others="anything",
        ),
        Reader(
            name="sentencepiece",
            make=originals.sp_model,
            read=_tokenizer,
            files=("*.model",),
            others="anything",
        ),
        Reader(
            name="tokenizer_config",
            make=originals.sp_model,
            read=_tokenizer,
            files=_SETTINGS,
            others="anything",
        ),
        Reader(name="vocab_txt", make=originals.wordpiece, read=_tokenizer, others="anything"),
        Reader(
            name="saved_model_graph",
            make=originals.saved_model,
            read=_audited,
            files=("*.pb",),
            others="anything",
        ),
        *published.READERS,
        *runtimes.READERS,
    ]
)
