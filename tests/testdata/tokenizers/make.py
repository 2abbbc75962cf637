"""Makes the files of this folder; see README.md.

python make.py train          # sentencepiece
python make.py save           # once with transformers 4.57, once with 5
python make.py record         # tokenizers and transformers 4.57
"""

import base64
import json
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent
SHIPPED = ROOT.parents[2] / "configs" / "vocabulary" / "en_uncased_30k.model"
SETTINGS = [(lower, keep) for lower in (True, False) for keep in (True, False)]
_SPECIAL = ["[CLS]", "[SEP]", "[MASK]"]
_SYMBOLS = ["(", ")", '"', "-", ".", "\u2013", "\u00a3", "\u20ac"]


def strings():
    return json.loads((ROOT / "strings.json").read_text(encoding="utf-8"))


def charsmap():
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(SHIPPED))
    proto = processor.serialized_model_proto()
    from sentencepiece import sentencepiece_model_pb2

    return sentencepiece_model_pb2.ModelProto.FromString(proto).normalizer_spec.precompiled_charsmap


def with_charsmap(name):
    """Returns the model with the rules of normalization that the file here leaves out."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto.FromString((ROOT / name).read_bytes())
    model.normalizer_spec.precompiled_charsmap = charsmap()
    return model.SerializeToString()


def train():
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(strings()["real"] * 3),
            model_prefix=f"{folder}/m",
            vocab_size=600,
            hard_vocab_limit=False,
            character_coverage=1.0,
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            control_symbols=_SPECIAL,
            user_defined_symbols=_SYMBOLS,
        )
        content = pathlib.Path(f"{folder}/m.model").read_bytes()
    model = sentencepiece_model_pb2.ModelProto.FromString(content)
    model.normalizer_spec.precompiled_charsmap = b""
    model.trainer_spec.ClearField("model_prefix")
    (ROOT / "mixed.model").write_bytes(model.SerializeToString())


def save():
    import transformers

    major = transformers.__version__.split(".")[0]
    for lower, keep in SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            settings = {"do_lower_case": lower, "keep_accents": keep}
            source = pathlib.Path(folder, "source")
            source.mkdir()
            (source / "spiece.model").write_bytes(with_charsmap("mixed.model"))
            (source / "tokenizer_config.json").write_text(json.dumps(settings))
            kind = "AlbertTokenizerFast" if major == "4" else "AlbertTokenizer"
            tokenizer = getattr(transformers, kind).from_pretrained(str(source))
            tokenizer.save_pretrained(folder)
            values = json.loads(pathlib.Path(folder, "tokenizer.json").read_text(encoding="utf-8"))
            for part in values["normalizer"]["normalizers"]:
                part.pop("precompiled_charsmap", None)
            name = f"v{major}_lower{int(lower)}_keep{int(keep)}.json"
            text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
            (ROOT / name).write_text(text + "\n", encoding="utf-8")
            if major == "4":
                slow = pathlib.Path(folder, "slow")
                transformers.AlbertTokenizer.from_pretrained(str(source)).save_pretrained(str(slow))
                shutil.copy(slow / "tokenizer_config.json", ROOT / f"slow_{name[3:]}")


def record():
    import tokenizers
    import transformers

    texts = [*strings()["real"], *strings()["tricky"]]
    ids = {}
    rules = base64.b64encode(charsmap()).decode()
    for path in sorted(ROOT.glob("v[45]*.json")) + sorted(ROOT.glob("wordpiece*.json")):
        values = json.loads(path.read_text(encoding="utf-8"))
        for part in (values["normalizer"].get("normalizers") or [])[:]:
            if part["type"] == "Precompiled":
                part["precompiled_charsmap"] = rules
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(values))
        ids[path.stem] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    for path in sorted(ROOT.glob("slow_*.json")):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "spiece.model").write_bytes(with_charsmap("mixed.model"))
            shutil.copy(path, os.path.join(folder, "tokenizer_config.json"))
            tokenizer = transformers.AlbertTokenizer.from_pretrained(folder)
        ids[path.stem] = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    lines = (f'"{name}":{json.dumps(rows, separators=(",", ":"))}' for name, rows in ids.items())
    (ROOT / "ids.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    {"train": train, "save": save, "record": record}[sys.argv[1]]()
