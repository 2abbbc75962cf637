"""The virtual environments and the processes of the engines, as data."""

import dataclasses
from collections.abc import Mapping, Sequence

from benchmarks.peers import engines

OURS, GARDEN, TORCH, OPTIMUM, KERAS_HUB = "ours", "garden", "torch", "optimum", "keras_hub"
ONNX_RUNTIME, OPENVINO, LITERT = "onnxruntime", "openvino", "litert"
FORMATS = {ONNX_RUNTIME: "onnx", OPENVINO: "openvino", LITERT: "litert"}  # of `export.convert`


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment.

    Attributes:
      name: unique.
      requirements: arguments of `pip install`, separated by spaces; None for the toolchain's own.
      makers: names of the environments that write what it loads.
    """

    name: str
    requirements: str | None
    makers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worker:
    """One process.

    Attributes:
      name: unique.
      environment: name of the virtual environment.
      module: in `benchmarks.peers.workers`; its `make(options)` returns the model.
      options: arguments of `make`. "artifacts/..." is a path in the output folder.
      files: what has to be shipped to embed ids, files or folders in the output folder.
    """

    name: str
    environment: str
    module: str
    options: Mapping[str, str]
    files: tuple[str, ...] = ()


ENVIRONMENTS = (
    Environment(name=OURS, requirements=None),
    Environment(
        name=GARDEN,
        requirements="tf-models-official==2.20.0 tensorflow==2.20.* tensorflow-text==2.20.* "
        "tf-keras==2.20.* tensorflow-hub==0.16.1 setuptools<81",
    ),
    Environment(
        name=TORCH,
        requirements="torch==2.14.1 transformers==5.24.0 tokenizers sentencepiece protobuf onnx "
        "onnxscript",
    ),
    Environment(
        name=OPTIMUM,
        requirements="optimum-onnx[onnxruntime]==0.1.0 optimum-intel[nncf]==1.27.0 nncf==3.4.0 "
        "openvino==2026.4.1 onnxruntime==1.32.0 torch==2.14.1 sentencepiece",
        makers=(TORCH,),
    ),
    Environment(
        name=ONNX_RUNTIME,
        requirements="onnxruntime==1.32.0 onnxruntime-extensions==0.15.2 tokenizers",
        makers=(TORCH, OPTIMUM),
    ),
    Environment(
        name=OPENVINO,
        requirements="openvino==2026.4.1 openvino-tokenizers==2026.4.1.0 tokenizers",
        makers=(TORCH, OPTIMUM),
    ),
    Environment(name=LITERT, requirements="ai-edge-litert==2.3.0"),
    Environment(name=KERAS_HUB, requirements="keras-hub tensorflow==2.21.*"),
)
PLOT_ENVIRONMENT = Environment(name="plot", requirements="matplotlib")

_HUGGING_FACE = "artifacts/hugging_face"
_OPTIMUM = "artifacts/optimum"


def _name(name: str, dtype: str) -> str:
    return f"{name}_{dtype}"


def _workers(
    name: str, environment: str, module: str, *, dtypes: Sequence[str], file: str, **options: str
) -> list[Worker]:
    """Returns a worker for each dtype, which replaces `{dtype}` in the options and the file."""
    return [
        Worker(
            name=_name(name, dtype),
            environment=environment,
            module=module,
            options={option: value.format(dtype=dtype) for option, value in options.items()},
            files=(file.format(dtype=dtype),),
        )
        for dtype in dtypes
    ]


def _ours(runtime: str, module: str, ending: str, *, dtypes: Sequence[str]) -> list[Worker]:
    """Returns our workers in a runtime. Its bfloat16 is a way of computing float32's files."""
    made = []
    for dtype in dtypes:
        label = {engines.INT8: "-int8"}.get(dtype, "")
        version = f"float32-{FORMATS[runtime]}{label}/1"
        folder = f"artifacts/ours/encoder_{version}"
        options = {
            "model": f"{folder}/model{ending}",
            "unpadded": f"{folder}/unpadded{ending}",
            "embedder": f"artifacts/ours/embedder_{version}/model{ending}",
            "classifier": f"artifacts/ours/classifier_text_{version}/model{ending}",
            "dtype": dtype,
        }
        made.append(
            Worker(
                name=_name(f"ours_{runtime}", dtype),
                environment=runtime,
                module=module,
                options=options,
                # model.bin has the weights of model.xml.
                files=tuple(dict.fromkeys([options["model"], f"{folder}/model{_WEIGHTS[ending]}"])),
            )
        )
    return made


_WEIGHTS = {".onnx": ".onnx", ".xml": ".bin", ".tflite": ".tflite"}
_TYPES = (engines.FLOAT32, engines.INT8)
_ALL_TYPES = (*engines.DTYPES, engines.INT8)

WORKERS = (
    *_workers(
        "ours",
        OURS,
        "saved_models",
        dtypes=engines.DTYPES,
        file="artifacts/ours/encoder_{dtype}/1",
        encoder="artifacts/ours/encoder_{dtype}/1",
        embedder="artifacts/ours/embedder_{dtype}/1",
        classifier="artifacts/ours/classifier_text_{dtype}/1",
        preprocessor="artifacts/ours/preprocessor/1",
    ),
    *_ours(ONNX_RUNTIME, "onnx_runtime", ".onnx", dtypes=_TYPES),
    *_ours(OPENVINO, "open_vino", ".xml", dtypes=_ALL_TYPES),
    *_ours(LITERT, "lite_rt", ".tflite", dtypes=_TYPES),
    Worker(
        name="garden",
        environment=GARDEN,
        module="saved_models",
        options={
            "encoder": "artifacts/garden_encoder",
            "preprocessor": "artifacts/garden_preprocessor",
            "pretrainer": "artifacts/garden/encoder.yaml",
        },
        files=("artifacts/garden_encoder",),
    ),
    *_workers(
        "torch",
        TORCH,
        "hugging_face",
        dtypes=_ALL_TYPES,
        file=f"{_HUGGING_FACE}/model.safetensors",
        model=_HUGGING_FACE,
        dtype="{dtype}",
    ),
    *_workers(
        "torch_compiled",
        TORCH,
        "hugging_face",
        dtypes=engines.DTYPES,
        file=f"{_HUGGING_FACE}/model.safetensors",
        model=_HUGGING_FACE,
        dtype="{dtype}",
        compiled="yes",
    ),
    *_workers(
        "onnxruntime",
        ONNX_RUNTIME,
        "onnx_runtime",
        dtypes=(engines.FLOAT32,),
        file=f"{_HUGGING_FACE}/model.onnx",
        model=f"{_HUGGING_FACE}/model.onnx",
        tokenizer=_HUGGING_FACE,
    ),
    *_workers(
        "optimum",
        ONNX_RUNTIME,
        "onnx_runtime",
        dtypes=_TYPES,
        file=f"{_OPTIMUM}/onnx_{{dtype}}.onnx",
        model=f"{_OPTIMUM}/onnx_{{dtype}}.onnx",
        tokenizer=_HUGGING_FACE,
    ),
    *_workers(
        "openvino",
        OPENVINO,
        "open_vino",
        dtypes=engines.DTYPES,
        file=f"{_OPTIMUM}/openvino_float32",
        model=f"{_OPTIMUM}/openvino_float32/openvino_model.xml",
        tokenizer=_HUGGING_FACE,
        dtype="{dtype}",
    ),
    *_workers(
        "openvino",
        OPENVINO,
        "open_vino",
        dtypes=(engines.INT8,),
        file=f"{_OPTIMUM}/openvino_int8",
        model=f"{_OPTIMUM}/openvino_int8/openvino_model.xml",
        tokenizer=_HUGGING_FACE,
        dtype="{dtype}",
    ),
    *_workers(
        "keras_hub",
        KERAS_HUB,
        "keras_hub_backbone",
        dtypes=engines.DTYPES,
        file="artifacts/keras_hub",
        model="artifacts/keras_hub",
        dtype="{dtype}",
    ),
    Worker(
        name="sentencepiece",
        environment=TORCH,
        module="sentence_piece",
        options={"model": f"{_HUGGING_FACE}/spiece.model"},
    ),
    Worker(
        name="tokenizers",
        environment=TORCH,
        module="hugging_face_tokenizers",
        options={"tokenizer": _HUGGING_FACE},
    ),
)

GEMM_WORKER = Worker(name="gemm", environment=OURS, module="gemm", options={})
