"""Small tokenizers with the ids that Hugging Face's libraries give; see testdata/tokenizers.

path = tokenizers.write("v5_lower1_keep0", folder)  # a tokenizer.json, or a spiece.model
assert engine.encode(tokenizers.texts()).to_list() == tokenizers.ids("v5_lower1_keep0")
"""

import base64
import functools
import json
import pathlib
import shutil

from preprocess.vocabulary import sentencepiece_model, sentencepiece_proto

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "tokenizers"
CASES = ROOT.parent / "cases"
# Other people's files, which are not part of the project.
REAL = pathlib.Path(__file__).parents[3] / "shared" / "real" / "vocab"

UNIGRAM = tuple(sorted(path.stem for path in ROOT.glob("v[45]_*.json")))
SLOW = tuple(sorted(path.stem for path in ROOT.glob("slow_*.json")))
WORDPIECE = tuple(sorted(path.stem for path in ROOT.glob("wordpiece_*.json")))


def texts() -> list[str]:
    """Returns the texts whose ids are recorded."""
    values = json.loads((ROOT / "strings.json").read_text(encoding="utf-8"))
    return [*values["real"], *values["tricky"]]


def ids(name: str) -> list[list[int]]:
    """Returns the recorded ids of the texts."""
    return json.loads((ROOT / "ids.json").read_text(encoding="utf-8"))[name]


def write(name: str, folder: pathlib.Path) -> str:
    """Writes a tokenizer into a folder, and returns the file's path."""
    if name in SLOW:
        (folder / "spiece.model").write_bytes(model())
        shutil.copy(ROOT / f"{name}.json", folder / "tokenizer_config.json")
        return str(folder / "spiece.model")
    (folder / "tokenizer.json").write_text(json.dumps(values(name)), encoding="utf-8")
    return str(folder / "tokenizer.json")


def values(name: str) -> dict:
    """Returns the content of a tokenizer.json."""
    content = json.loads((ROOT / f"{name}.json").read_text(encoding="utf-8"))
    for part in content["normalizer"].get("normalizers", ()):
        if part["type"] == "Precompiled":
            part["precompiled_charsmap"] = base64.b64encode(charsmap()).decode()
    return content


def model() -> bytes:
    """Returns the SentencePiece model, with the rules that its file here leaves out."""
    model = sentencepiece_proto.ModelProto.FromString((ROOT / "mixed.model").read_bytes())
    model.normalizer_spec.precompiled_charsmap = charsmap()
    return model.SerializeToString(deterministic=True)


@functools.cache
def charsmap() -> bytes:
    """Returns the rules of normalization of the vocabulary that ships with the project."""
    proto = sentencepiece_model.read(None).proto
    return sentencepiece_proto.ModelProto.FromString(proto).normalizer_spec.precompiled_charsmap
