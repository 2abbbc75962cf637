"""The engines that are compared, as data: what each is, where it runs and what it can do.

A worker is one process in one virtual environment with one model. An engine is a way of using it,
and a row of the table.
"""

import dataclasses
from collections.abc import Mapping

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"

# What an engine can do: the kinds of work items.
EXPORT = "export"
LOAD = "load"
INFER = "infer"
EMBED = "embed"
TRAIN = "train"
PREPROCESS = "preprocess"

# How an engine treats the padding of a batch.
PADDED = "padded"  # computes it
LONGEST = "longest"  # cuts the batch to its longest row, then computes what is left
UNPADDED = "unpadded"  # computes only the tokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment: what pip installs, or None for the toolchain's own requirements."""

    name: str
    requirements: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worker:
    """One process.

    Attributes:
      name: unique.
      environment: name of the virtual environment.
      module: in `benchmarks.peers.workers`; its `make(options)` returns the model.
      options: for `make`. Values that start with "artifacts/" are paths in the output folder.
    """

    name: str
    environment: str
    module: str
    options: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """One row of the table.

    Attributes:
      name: unique, as it stands in the table.
      worker: name of the process.
      dtype: of the matrix products.
      padding: how the padding of a batch is treated.
      kinds: of work items that it takes part in.
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
        requirements=(
            "tf-models-official==2.20.0",
            "tensorflow==2.20.*",
            "tensorflow-text==2.20.*",
            "tf-keras==2.20.*",
            "tensorflow-hub==0.16.1",
            "setuptools<81",
        ),
    ),
    Environment(
        name="torch",
        requirements=(
            "torch==2.13.0",
            "transformers",
            "tokenizers",
            "sentencepiece",
            "protobuf",
            "onnx",
            "onnxscript",
        ),
    ),
    Environment(name="onnxruntime", requirements=("onnxruntime", "tokenizers")),
    Environment(name="openvino", requirements=("openvino", "tokenizers")),
    Environment(name="keras_hub", requirements=("keras-hub", "tensorflow==2.21.*")),
)
PLOT_ENVIRONMENT = Environment(name="plot", requirements=("matplotlib",))

_ONNX = {"model": "artifacts/hugging_face/model.onnx", "tokenizer": "artifacts/hugging_face"}

WORKERS = (
    *(
        Worker(
            name=f"ours_{dtype}",
            environment="ours",
            module="saved_models",
            options={
                "encoder": f"artifacts/ours/encoder_{dtype}/1",
                "embedder": f"artifacts/ours/embedder_{dtype}/1",
                "preprocessor": "artifacts/ours/preprocessor/1",
            },
        )
        for dtype in (FLOAT32, BFLOAT16)
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
    *(
        Worker(
            name=f"torch_{dtype}",
            environment="torch",
            module="hugging_face",
            options={"model": "artifacts/hugging_face", "dtype": dtype},
        )
        for dtype in (FLOAT32, BFLOAT16)
    ),
    Worker(name="onnxruntime", environment="onnxruntime", module="onnx_runtime", options=_ONNX),
    *(
        Worker(
            name=f"openvino_{dtype}",
            environment="openvino",
            module="open_vino",
            options={**_ONNX, "dtype": dtype},
        )
        for dtype in (FLOAT32, BFLOAT16)
    ),
    *(
        Worker(
            name=f"keras_hub_{dtype}",
            environment="keras_hub",
            module="keras_hub_backbone",
            options={"model": "artifacts/keras_hub", "dtype": dtype},
        )
        for dtype in (FLOAT32, BFLOAT16)
    ),
    Worker(
        name="sentencepiece",
        environment="torch",
        module="sentence_piece",
        options={"model": "artifacts/hugging_face/spiece.model"},
    ),
    Worker(
        name="tokenizers",
        environment="torch",
        module="hugging_face_tokenizers",
        options={"tokenizer": "artifacts/hugging_face"},
    ),
)

GEMM_WORKER = Worker(name="gemm", environment="ours", module="gemm", options={})


def _two(name: str, worker: str, kinds: tuple[str, ...], padding: str = PADDED) -> list[Engine]:
    return [
        Engine(
            name=f"{name} {dtype}",
            worker=f"{worker}_{dtype}",
            dtype=dtype,
            padding=padding,
            kinds=kinds,
        )
        for dtype in (FLOAT32, BFLOAT16)
    ]


OURS = "ours"
OURS_SAME_CHECKPOINT = "ours, Model Garden's checkpoint"
GARDEN = "Model Garden"

ENGINES = (
    *_two("ours", "ours", (LOAD, INFER, TRAIN)),
    *_two("ours unpadded", "ours", (INFER, TRAIN), UNPADDED),
    *_two("ours embedder", "ours", (EMBED,), UNPADDED),
    Engine(name=OURS, worker="ours_float32", kinds=(EXPORT, PREPROCESS)),
    Engine(name=OURS_SAME_CHECKPOINT, worker="ours_float32", kinds=(EXPORT,)),
    Engine(name=GARDEN, worker="garden", kinds=(EXPORT, LOAD, INFER, TRAIN, EMBED, PREPROCESS)),
    Engine(name="Model Garden longest", worker="garden", padding=LONGEST, kinds=(INFER, TRAIN)),
    *_two("Transformers", "torch", (LOAD, INFER, TRAIN)),
    *_two("Transformers longest", "torch", (INFER, TRAIN, EMBED), LONGEST),
    Engine(name="ONNX Runtime float32", worker="onnxruntime", kinds=(LOAD, INFER)),
    Engine(
        name="ONNX Runtime longest float32",
        worker="onnxruntime",
        padding=LONGEST,
        kinds=(INFER, EMBED),
    ),
    *_two("OpenVINO", "openvino", (LOAD, INFER)),
    *_two("OpenVINO longest", "openvino", (INFER, EMBED), LONGEST),
    *_two("KerasHub", "keras_hub", (LOAD, INFER, TRAIN)),
    *_two("KerasHub longest", "keras_hub", (INFER, TRAIN), LONGEST),
    Engine(name="sentencepiece (ids only)", worker="sentencepiece", kinds=(PREPROCESS,)),
    Engine(name="Hugging Face tokenizers", worker="tokenizers", kinds=(PREPROCESS,)),
)
