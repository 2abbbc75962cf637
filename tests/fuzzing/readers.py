"""Every reader of files that others may have made or damaged, and sound files for each.

Example:
    reader = readers.READERS["safetensors"]
    reader.make(folder); reader.read(folder)
"""

import functools
import json
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from configs import tokenizations
from export.artifacts import encoder_spec, tokenizer_choice
from export.checkpoints import restore
from export.checkpoints.readers import sentence_transformers
from export.saved_models import loading
from tests.fuzzing import published, runtimes
from tests.fuzzing.harness import Reader
from tests.support import cases, checkpoints, golden, tokenizers, word_pieces

_TINY = golden.MODELS["tiny"].directory
_SETTINGS = ("*config*.json", "*_map.json", "added_tokens.json", "modules.json", "*.yaml")
_CONFIG = "given_config.json"


def _weights(
    path: pathlib.Path, *, opened: str = ".", adapter: str | None = None
) -> Mapping[str, Any]:
    """Reads a checkpoint as `export.encoder` does, but for the tokenizer."""
    given = path / _CONFIG
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
    return {**weights, **told, "entries": sorted(spec.checkpoint.manifest_entries())}


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


def _copy(*sources: pathlib.Path) -> Callable[[pathlib.Path], None]:
    """Returns what copies files, and the contents of folders."""

    def make(folder: pathlib.Path) -> None:
        for source in sources:
            if source.is_dir():
                ignored = shutil.ignore_patterns("*.npz", "legacy", "gelu_erf", "expected.json")
                shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy(source, folder)

    return make


def _with_given_config(make: Callable[[pathlib.Path], None]) -> Callable[[pathlib.Path], None]:
    """Adds the config that a user gives where a checkpoint comes without."""

    def made(folder: pathlib.Path) -> None:
        make(folder)
        shutil.copy(_TINY / "tf1" / "albert_config.json", folder / _CONFIG)

    return made


def _saved_model(folder: pathlib.Path) -> None:
    import tarfile

    with tarfile.open(_TINY / "model_garden" / "saved_model.tar.gz") as tar:
        tar.extractall(folder.parent / "unpacked", filter="data")
    shutil.copytree(folder.parent / "unpacked" / "saved_model", folder, dirs_exist_ok=True)
    shutil.copy(_TINY / "tf1" / "albert_config.json", folder / _CONFIG)


def _masked_lm(folder: pathlib.Path) -> None:
    shutil.copy(_TINY / "keras_hub" / "masked_lm.weights.h5", folder)
    shutil.copy(_TINY / "tf1" / "albert_config.json", folder / _CONFIG)


def _shards(folder: pathlib.Path) -> None:
    tensors = checkpoints.read_safetensors(_TINY / "hf" / "model.safetensors")
    shutil.copy(_TINY / "hf" / "config.json", folder)
    index = {}
    for number in range(2):
        name = f"model-0000{number + 1}-of-00002.safetensors"
        part = dict(list(tensors.items())[number::2])
        checkpoints.write_safetensors(folder / name, part)
        index |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))


def _labels(folder: pathlib.Path) -> None:
    """A classifier of transformers with its labels."""
    _copy(cases.ROOT / "hf_sequence_classification_head_dropped")(folder)


def _params(folder: pathlib.Path) -> None:
    import yaml

    _copy(_TINY / "model_garden" / "encoder")(folder)
    values = json.loads((_TINY / "tf1" / "albert_config.json").read_text())
    names = {"num_hidden_layers": "num_layers", "embedding_size": "embedding_width"}
    albert = {names.get(key, key): value for key, value in values.items()}
    task = {"model": {"encoder": {"albert": albert}, "cls_heads": [{"name": "next_sentence"}]}}
    (folder / "params.yaml").write_text(yaml.safe_dump({"task": task}))


def _sp_model(folder: pathlib.Path) -> None:
    tokenizers.write(tokenizers.SLOW[0], folder)
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"pad_token": "<pad>", "mask_token": {"content": "[MASK]", "lstrip": True}})
    )


def _wordpiece(folder: pathlib.Path) -> None:
    word_pieces.write(folder)
    settings = {"do_lower_case": True, "strip_accents": None, "tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    added = {"[new]": len(word_pieces.PIECES)}
    (folder / "added_tokens.json").write_text(json.dumps(added))


def _tokenizer_json(name: str) -> Callable[[pathlib.Path], None]:
    def make(folder: pathlib.Path) -> None:
        tokenizers.write(name, folder)

    return make


def _pooling(folder: pathlib.Path) -> None:
    """A folder of sentence-transformers with a dense layer."""
    _copy(cases.ROOT / "sentence_transformers_root")(folder)
    modules = json.loads((folder / "modules.json").read_text())
    dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    modules.insert(2, dense)
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "2_Dense").mkdir()
    config = {"activation_function": "torch.nn.modules.activation.Tanh"}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
    kernel = np.arange(12, dtype=np.float32).reshape(3, 4)
    checkpoints.write_safetensors(
        folder / "2_Dense" / "model.safetensors",
        {"linear.weight": kernel, "linear.bias": np.zeros(3, np.float32)},
    )


def _read_pooling(path: pathlib.Path) -> Mapping[str, Any]:
    recipe = sentence_transformers.read(str(path))
    if recipe is None:
        raise FileNotFoundError("no modules")
    dense = recipe.pooling.dense
    arrays = {f"{n}.{k}": getattr(layer, k) for n, layer in enumerate(dense) for k in _PARTS}
    for layer in dense:
        assert layer.kernel.ndim == 2 and layer.bias.shape == layer.kernel.shape[1:]
    rest = [recipe.pooling.modes, recipe.pooling.prompt, recipe.max_seq_length, recipe.notices]
    return {**arrays, "rest": rest}


_PARTS = ("kernel", "bias")


def _adapted(name: str) -> Callable[[pathlib.Path], None]:
    return _copy(cases.ROOT / name)


def _audited(path: pathlib.Path) -> Mapping[str, Any]:
    loading.audit(str(path))
    return {"graph": (path / "saved_model.pb").read_bytes().hex()}


def _table(readers: Sequence[Reader]) -> Mapping[str, Reader]:
    return {reader.name: reader for reader in readers}


_TENSORFLOW = ("*.index", "*.data-*", "checkpoint")
_GARDEN = _TINY / "model_garden"
_read_masked_lm = functools.partial(_weights, opened="masked_lm.weights.h5")

READERS = _table(
    [
        Reader(
            name="tf1",
            make=_copy(_TINY / "tf1" / "train", _TINY / "tf1" / "albert_config.json"),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(name="tf1_hub", make=_copy(_TINY / "tf1_hub"), read=_weights, files=_TENSORFLOW),
        Reader(
            name="brightmart",
            make=_copy(cases.ROOT / "tf1_brightmart_layer_shared"),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="model_garden",
            make=_with_given_config(_copy(_GARDEN / "encoder")),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="model_garden_pretrainer",
            make=_with_given_config(_copy(_GARDEN / "pretrainer")),
            read=_weights,
            files=_TENSORFLOW,
        ),
        Reader(
            name="saved_model",
            make=_saved_model,
            read=_weights,
            files=(*_TENSORFLOW, "*.pb", "*.pb"),
            others="values",
        ),
        Reader(
            name="safetensors",
            make=_copy(_TINY / "hf" / "model.safetensors", _TINY / "hf" / "config.json"),
            read=_weights,
            files=("*.safetensors",),
            others="values",
        ),
        Reader(
            name="shards",
            make=_shards,
            read=_weights,
            files=("*.index.json", "*.safetensors"),
            others="values",
        ),
        Reader(
            name="torch",
            make=_copy(_TINY / "hf" / "pytorch_model.bin", _TINY / "hf" / "config.json"),
            read=_weights,
            files=("*.bin",),
        ),
        Reader(
            name="torch_legacy",
            make=_copy(_TINY / "hf" / "legacy"),
            read=_weights,
            files=("*.bin",),
            others="values",
        ),
        Reader(
            name="keras_hub",
            make=_copy(_TINY / "keras_hub" / "preset"),
            read=_weights,
            files=("*.h5",),
            others="values",
        ),
        Reader(
            name="keras_hub_task",
            make=_masked_lm,
            read=_read_masked_lm,
            files=("*.h5",),
            others="values",
        ),
        Reader(
            name="tf_albert",
            make=_copy(cases.ROOT / "tf_albert"),
            read=_weights,
            files=("*.h5",),
            others="values",
        ),
        Reader(
            name="adapter",
            make=_adapted("peft_lora_adapter"),
            read=functools.partial(_weights, opened="base", adapter="adapter"),
            files=("adapter/*",),
            others="anything",
        ),
        Reader(
            name="head_adapter",
            make=_adapted("peft_other_heads"),
            read=functools.partial(_weights, opened="base", adapter="classify"),
            files=("classify/*", "base/config.json"),
            others="anything",
        ),
        Reader(
            name="config",
            make=_labels,
            read=_weights,
            files=("config.json",),
            others="anything",
        ),
        Reader(
            name="original_config",
            make=_copy(_TINY / "tf1" / "train", _TINY / "tf1" / "albert_config.json"),
            read=_weights,
            files=("*.json",),
            others="anything",
        ),
        Reader(
            name="keras_hub_config",
            make=_copy(_TINY / "keras_hub" / "preset"),
            read=_weights,
            files=("*.json",),
            others="anything",
        ),
        Reader(
            name="params_yaml",
            make=_params,
            read=_weights,
            files=("*.yaml",),
            others="anything",
        ),
        Reader(
            name="sentence_transformers",
            make=_pooling,
            read=_read_pooling,
            files=("modules.json", "*/*", "*config*.json"),
            others="anything",
        ),
        Reader(
            name="tokenizer_json",
            make=_tokenizer_json(tokenizers.UNIGRAM[0]),
            read=_tokenizer,
            others="anything",
        ),
        Reader(
            name="tokenizer_json_wordpiece",
            make=_tokenizer_json(tokenizers.WORDPIECE[0]),
            read=_tokenizer,
            others="anything",
        ),
        Reader(
            name="sentencepiece",
            make=_sp_model,
            read=_tokenizer,
            files=("*.model",),
            others="anything",
        ),
        Reader(
            name="tokenizer_config",
            make=_sp_model,
            read=_tokenizer,
            files=_SETTINGS,
            others="anything",
        ),
        Reader(name="vocab_txt", make=_wordpiece, read=_tokenizer, others="anything"),
        Reader(
            name="saved_model_graph",
            make=_saved_model,
            read=_audited,
            files=("*.pb",),
            others="anything",
        ),
        *published.READERS,
        *runtimes.READERS,
    ]
)
