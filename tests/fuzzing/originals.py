"""Sound files for each reader, as their owners have them.

Example:
    originals.copy(originals.TINY / "hf" / "config.json")(folder)
"""

import json
import pathlib
import shutil
from collections.abc import Callable

import numpy as np
import yaml

from export.release import tarball
from tests.support import cases, checkpoints, golden, tokenizers, word_pieces

TINY = golden.MODELS["tiny"].directory
CONFIG = "given_config.json"  # the config that a user gives where a checkpoint comes without


def copy(*sources: pathlib.Path) -> Callable[[pathlib.Path], None]:
    """Returns what copies files, and the contents of folders."""

    def make(folder: pathlib.Path) -> None:
        for source in sources:
            if source.is_dir():
                ignored = shutil.ignore_patterns("*.npz", "legacy", "gelu_erf", "expected.json")
                shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy(source, folder)

    return make


def with_given_config(make: Callable[[pathlib.Path], None]) -> Callable[[pathlib.Path], None]:
    """Adds the config that a user gives where a checkpoint comes without."""

    def made(folder: pathlib.Path) -> None:
        make(folder)
        shutil.copy(TINY / "tf1" / "albert_config.json", folder / CONFIG)

    return made


def saved_model(folder: pathlib.Path) -> None:
    archive = TINY / "model_garden" / "saved_model.tar.gz"
    tarball.unpack(str(archive), str(folder.parent / "unpacked"))
    shutil.copytree(folder.parent / "unpacked" / "saved_model", folder, dirs_exist_ok=True)
    shutil.copy(TINY / "tf1" / "albert_config.json", folder / CONFIG)


def masked_lm(folder: pathlib.Path) -> None:
    shutil.copy(TINY / "keras_hub" / "masked_lm.weights.h5", folder)
    shutil.copy(TINY / "tf1" / "albert_config.json", folder / CONFIG)


def shards(folder: pathlib.Path) -> None:
    tensors = checkpoints.read_safetensors(TINY / "hf" / "model.safetensors")
    shutil.copy(TINY / "hf" / "config.json", folder)
    index = {}
    for number in range(2):
        name = f"model-0000{number + 1}-of-00002.safetensors"
        part = dict(list(tensors.items())[number::2])
        checkpoints.write_safetensors(folder / name, part)
        index |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))


def labels(folder: pathlib.Path) -> None:
    """A classifier of transformers with its labels."""
    copy(cases.ROOT / "hf_sequence_classification_head_dropped")(folder)


def params(folder: pathlib.Path) -> None:
    copy(TINY / "model_garden" / "encoder")(folder)
    values = json.loads((TINY / "tf1" / "albert_config.json").read_text())
    names = {"num_hidden_layers": "num_layers", "embedding_size": "embedding_width"}
    albert = {names.get(key, key): value for key, value in values.items()}
    task = {"model": {"encoder": {"albert": albert}, "cls_heads": [{"name": "next_sentence"}]}}
    (folder / "params.yaml").write_text(yaml.safe_dump({"task": task}))


def sp_model(folder: pathlib.Path) -> None:
    tokenizers.write(tokenizers.SLOW[0], folder)
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"pad_token": "<pad>", "mask_token": {"content": "[MASK]", "lstrip": True}})
    )


def wordpiece(folder: pathlib.Path) -> None:
    word_pieces.write(folder)
    settings = {"do_lower_case": True, "strip_accents": None, "tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    added = {"[new]": len(word_pieces.PIECES)}
    (folder / "added_tokens.json").write_text(json.dumps(added))


def tokenizer_json(name: str) -> Callable[[pathlib.Path], None]:
    def make(folder: pathlib.Path) -> None:
        tokenizers.write(name, folder)

    return make


def pooling(folder: pathlib.Path) -> None:
    """A folder of sentence-transformers with a dense layer."""
    copy(cases.ROOT / "sentence_transformers_root")(folder)
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
