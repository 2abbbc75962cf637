"""The engines of the comparison, as data.

An engine is a way of using a worker, which is one process with one model, and a row of the table.
"""

import dataclasses
from collections.abc import Sequence

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
INT8 = "int8"
DTYPES = (FLOAT32, BFLOAT16)  # of TensorFlow and torch
ALL_DTYPES = (*DTYPES, INT8)

# Kinds of work items.
EXPORT = "export"
LOAD = "load"
INFER = "infer"
EMBED = "embed"
CLASSIFY = "classify"
TRAIN = "train"
PRETRAIN = "pretrain"
PREPROCESS = "preprocess"

# Treatments of the padding of a batch.
PADDED = "padded"  # compute it
LONGEST = "longest"  # cut the batch to its longest row, then compute the rest of the padding
UNPADDED = "unpadded"  # compute only the tokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """One row of the table.

    Attributes:
      name: unique; the row's title.
      worker: name of the process.
      dtype: dtype of the matrix products.
      padding: treatment of the padding of a batch.
      kinds: kinds of the work items that the engine does.
    """

    name: str
    worker: str
    dtype: str = FLOAT32
    padding: str = PADDED
    kinds: tuple[str, ...]

    @property
    def ours(self) -> bool:
        return self.name.startswith("ours")


def _engines(
    name: str,
    worker: str,
    kinds: tuple[str, ...],
    padding: str = PADDED,
    *,
    dtypes: Sequence[str] = DTYPES,
) -> list[Engine]:
    """Returns an engine for each dtype."""
    return [
        Engine(
            name=f"{name} {dtype}",
            worker=f"{worker}_{dtype}",
            dtype=dtype,
            padding=padding,
            kinds=kinds,
        )
        for dtype in dtypes
    ]


def _batches(
    name: str,
    worker: str,
    dtypes: Sequence[str],
    *,
    padded: tuple[str, ...] = (LOAD, INFER),
    longest: tuple[str, ...] = (INFER, EMBED),
) -> list[Engine]:
    """Returns engines of a peer that computes padding: all of it, and after cutting the batch."""
    title, _, runtime = name.partition(" in ")
    cut = " in ".join([f"{title} longest", *filter(None, [runtime])])
    return [
        *_engines(name, worker, padded, dtypes=dtypes),
        *_engines(cut, worker, longest, LONGEST, dtypes=dtypes),
    ]


def _ours(runtime: str, worker: str, dtypes: Sequence[str]) -> list[Engine]:
    """Returns our engines in another runtime: `serving_default` and `unpadded`."""
    return [
        *_engines(f"ours in {runtime}", worker, (LOAD, INFER), dtypes=dtypes),
        *_engines(f"ours unpadded in {runtime}", worker, (INFER,), UNPADDED, dtypes=dtypes),
    ]


def _ours_of_texts(runtime: str, worker: str, dtypes: Sequence[str]) -> list[Engine]:
    """Returns our engines in another runtime that begin with texts."""
    return [
        *_engines(f"ours embedder in {runtime}", worker, (EMBED,), UNPADDED, dtypes=dtypes),
        *_engines(f"ours text model in {runtime}", worker, (CLASSIFY,), UNPADDED, dtypes=dtypes),
    ]


OURS = "ours"
OURS_SAME_CHECKPOINT = "ours, Model Garden's checkpoint"
GARDEN = "Model Garden"

_QUANTIZED = (FLOAT32, INT8)

ENGINES = (
    *_engines("ours", "ours", (LOAD, INFER, TRAIN)),
    *_engines("ours unpadded", "ours", (INFER, TRAIN, PRETRAIN), UNPADDED),
    *_engines("ours embedder", "ours", (EMBED,), UNPADDED),
    *_engines("ours text model", "ours", (CLASSIFY,), UNPADDED),
    *_ours("ONNX Runtime", "ours_onnxruntime", _QUANTIZED),
    *_ours_of_texts("ONNX Runtime", "ours_onnxruntime", _QUANTIZED),
    *_ours("OpenVINO", "ours_openvino", ALL_DTYPES),
    *_ours_of_texts("OpenVINO", "ours_openvino", ALL_DTYPES),
    *_ours("LiteRT", "ours_litert", _QUANTIZED),
    Engine(name=OURS, worker="ours_float32", kinds=(EXPORT, PREPROCESS)),
    Engine(name=OURS_SAME_CHECKPOINT, worker="ours_float32", kinds=(EXPORT,)),
    Engine(
        name=GARDEN,
        worker="garden",
        kinds=(EXPORT, LOAD, INFER, TRAIN, PRETRAIN, EMBED, PREPROCESS),
    ),
    Engine(
        name="Model Garden longest",
        worker="garden",
        padding=LONGEST,
        kinds=(INFER, TRAIN, PRETRAIN),
    ),
    *_batches(
        "Transformers",
        "torch",
        DTYPES,
        padded=(LOAD, INFER, TRAIN),
        longest=(INFER, TRAIN, EMBED),
    ),
    *_batches("Transformers", "torch", [INT8]),
    *_batches("Transformers compiled", "torch_compiled", DTYPES, padded=(INFER,), longest=(INFER,)),
    *_engines("Transformers pipeline", "torch", (CLASSIFY,), LONGEST),
    *_batches("torch.onnx in ONNX Runtime", "onnxruntime", [FLOAT32]),
    *_batches("Optimum in ONNX Runtime", "optimum", _QUANTIZED),
    *_batches("Optimum in OpenVINO", "openvino", ALL_DTYPES),
    *_batches("KerasHub", "keras_hub", DTYPES, padded=(LOAD, INFER, TRAIN), longest=(INFER, TRAIN)),
    Engine(name="sentencepiece (ids only)", worker="sentencepiece", kinds=(PREPROCESS,)),
    Engine(name="Hugging Face tokenizers", worker="tokenizers", kinds=(PREPROCESS,)),
)
