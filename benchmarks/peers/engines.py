"""The engines of the comparison, as data.

A worker is one process in one virtual environment with one model. An engine is a way of using a
worker, and a row of the table.
"""

import dataclasses
from collections.abc import Mapping

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
DTYPES = (FLOAT32, BFLOAT16)

# Kinds of work items.
EXPORT = "export"
LOAD = "load"
INFER = "infer"
EMBED = "embed"
CLASSIFY = "classify"
TRAIN = "train"
PREPROCESS = "preprocess"

# Treatments of the padding of a batch.
PADDED = "padded"  # compute it
LONGEST = "longest"  # cut the batch to its longest row, then compute the rest of the padding
UNPADDED = "unpadded"  # compute only the tokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment.

    Attributes:
      name: unique.
      requirements: arguments of `pip install`, separated by spaces; None for the toolchain's own.
    """

    name: str
    requirements: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worker:
    """One process.

    Attributes:
      name: unique.
      environment: name of the virtual environment.
      module: in `benchmarks.peers.workers`; its `make(options)` returns the model.
      options: arguments of `make`. "artifacts/..." is a path in the output folder.
    """

    name: str
    environment: str
    module: str
    options: Mapping[str, str]


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


ENVIRONMENTS = (
    Environment(name="ours", requirements=None),
    Environment(
        name="garden",
        requirements="tf-models-official==2.20.0 tensorflow==2.20.* tensorflow-text==2.20.* "
        "tf-keras==2.20.* tensorflow-hub==0.16.1 setuptools<81",
    ),
    Environment(
        name="torch",
        requirements="torch==2.13.0 transformers tokenizers sentencepiece protobuf onnx onnxscript",
    ),
    Environment(name="onnxruntime", requirements="onnxruntime tokenizers"),
    Environment(name="openvino", requirements="openvino tokenizers"),
    Environment(name="keras_hub", requirements="keras-hub tensorflow==2.21.*"),
)
PLOT_ENVIRONMENT = Environment(name="plot", requirements="matplotlib")

_HUGGING_FACE = "artifacts/hugging_face"
_ONNX = {"model": f"{_HUGGING_FACE}/model.onnx", "tokenizer": _HUGGING_FACE}


def _workers(environment: str, module: str, **options: str) -> list[Worker]:
    """Returns a worker for each dtype, which replaces `{dtype}` in the options."""
    return [
        Worker(
            name=f"{environment}_{dtype}",
            environment=environment,
            module=module,
            options={name: value.format(dtype=dtype) for name, value in options.items()},
        )
        for dtype in DTYPES
    ]


WORKERS = (
    *_workers(
        "ours",
        "saved_models",
        encoder="artifacts/ours/encoder_{dtype}/1",
        embedder="artifacts/ours/embedder_{dtype}/1",
        classifier="artifacts/ours/classifier_text_{dtype}/1",
        preprocessor="artifacts/ours/preprocessor/1",
    ),
    Worker(
        name="garden",
        environment="garden",
        module="saved_models",
        options={
            "encoder": "artifacts/garden_encoder",
            "preprocessor": "artifacts/garden_preprocessor",
        },
    ),
    *_workers("torch", "hugging_face", model=_HUGGING_FACE, dtype="{dtype}"),
    Worker(name="onnxruntime", environment="onnxruntime", module="onnx_runtime", options=_ONNX),
    *_workers("openvino", "open_vino", **_ONNX, dtype="{dtype}"),
    *_workers("keras_hub", "keras_hub_backbone", model="artifacts/keras_hub", dtype="{dtype}"),
    Worker(
        name="sentencepiece",
        environment="torch",
        module="sentence_piece",
        options={"model": f"{_HUGGING_FACE}/spiece.model"},
    ),
    Worker(
        name="tokenizers",
        environment="torch",
        module="hugging_face_tokenizers",
        options={"tokenizer": _HUGGING_FACE},
    ),
)

GEMM_WORKER = Worker(name="gemm", environment="ours", module="gemm", options={})


def _engines(name: str, worker: str, kinds: tuple[str, ...], padding: str = PADDED) -> list[Engine]:
    """Returns an engine for each dtype."""
    return [
        Engine(
            name=f"{name} {dtype}",
            worker=f"{worker}_{dtype}",
            dtype=dtype,
            padding=padding,
            kinds=kinds,
        )
        for dtype in DTYPES
    ]


OURS = "ours"
OURS_SAME_CHECKPOINT = "ours, Model Garden's checkpoint"
GARDEN = "Model Garden"

ENGINES = (
    *_engines("ours", "ours", (LOAD, INFER, TRAIN)),
    *_engines("ours unpadded", "ours", (INFER, TRAIN), UNPADDED),
    *_engines("ours embedder", "ours", (EMBED,), UNPADDED),
    *_engines("ours text model", "ours", (CLASSIFY,), UNPADDED),
    Engine(name=OURS, worker="ours_float32", kinds=(EXPORT, PREPROCESS)),
    Engine(name=OURS_SAME_CHECKPOINT, worker="ours_float32", kinds=(EXPORT,)),
    Engine(name=GARDEN, worker="garden", kinds=(EXPORT, LOAD, INFER, TRAIN, EMBED, PREPROCESS)),
    Engine(name="Model Garden longest", worker="garden", padding=LONGEST, kinds=(INFER, TRAIN)),
    *_engines("Transformers", "torch", (LOAD, INFER, TRAIN)),
    *_engines("Transformers longest", "torch", (INFER, TRAIN, EMBED), LONGEST),
    *_engines("Transformers pipeline", "torch", (CLASSIFY,), LONGEST),
    Engine(name="ONNX Runtime float32", worker="onnxruntime", kinds=(LOAD, INFER)),
    Engine(
        name="ONNX Runtime longest float32",
        worker="onnxruntime",
        padding=LONGEST,
        kinds=(INFER, EMBED),
    ),
    *_engines("OpenVINO", "openvino", (LOAD, INFER)),
    *_engines("OpenVINO longest", "openvino", (INFER, EMBED), LONGEST),
    *_engines("KerasHub", "keras_hub", (LOAD, INFER, TRAIN)),
    *_engines("KerasHub longest", "keras_hub", (INFER, TRAIN), LONGEST),
    Engine(name="sentencepiece (ids only)", worker="sentencepiece", kinds=(PREPROCESS,)),
    Engine(name="Hugging Face tokenizers", worker="tokenizers", kinds=(PREPROCESS,)),
)
