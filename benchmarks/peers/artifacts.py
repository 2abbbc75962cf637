"""Makes the models that the engines load. Our exports are made anew in each run."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping

from benchmarks.peers import engines, processes, setups
from configs import albert_config, errors

SIZE = "large"
SP_MODEL_FILE = os.path.join("configs", "vocabulary", "en_uncased_30k.model")

_WORKERS = "benchmarks.peers.workers"


class Artifacts:
    """The folder `<output_dir>/artifacts`, and the commands that fill it."""

    def __init__(self, output_dir: str, *, pythons: Mapping[str, str], log_dir: str) -> None:
        """Takes the path of each environment's Python, by name."""
        self._root = os.path.join(output_dir, "artifacts")
        self._pythons = pythons
        self._log_dir = log_dir

    def prepare(self, *, reuse: bool = False) -> dict[str, str]:
        """Makes all artifacts, ours too unless `reuse`; returns the error messages by environment.

        Those of peers are made once.
        """
        os.makedirs(self._root, exist_ok=True)
        with open(self._path("config.json"), "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(albert_config.load(SIZE)), file)
        makers: dict[str, Callable[[], None]] = {
            "ours": self._ours,
            "garden": self._garden,
            "torch": self._hugging_face,
            "optimum": self._optimum,
            "keras_hub": self._keras_hub,
        }
        if reuse:
            del makers[setups.OURS]
        failures = {}
        for environment, make in makers.items():
            try:
                if environment in self._pythons:
                    make()
            except errors.InputError as error:
                failures[environment] = str(error)
        return failures

    def export(self, engine: str) -> dict[str, float]:
        """Runs an engine's export command, and returns time, memory and sizes in bytes."""
        target = self._path("export_measured")
        shutil.rmtree(target, ignore_errors=True)
        if engine == engines.GARDEN:
            environment, arguments = "garden", self._garden_export("model_with_mlm", target)
        else:
            environment = "ours"
            arguments = ["export.encoder", "--config", SIZE, "--model_name", "encoder"]
            arguments += ["--export_dir", target]
            if engine == engines.OURS_SAME_CHECKPOINT:
                arguments += ["--checkpoint", self._path("garden", "pretrainer-1")]
                arguments += ["--sp_model_file", SP_MODEL_FILE]
        return {**self._run(environment, arguments, log=f"export {engine}"), **_sizes(target)}

    def size(self, worker: setups.Worker) -> int:
        """Returns the bytes of the files that a worker's model is shipped as."""
        return sum(_size(os.path.join(os.path.dirname(self._root), path)) for path in worker.files)

    def _ours(self) -> None:
        root = self._path("ours")
        shutil.rmtree(root, ignore_errors=True)

        def export(module: str, name: str, *options: str) -> str:
            arguments = [module, "--model_name", name, "--export_dir", root, *options]
            self._run("ours", arguments)
            return os.path.join(root, name, "1")

        preprocessor = ("--preprocessor", export("export.preprocessor", "preprocessor"))
        head = ("--new_head", "classify", "--labels", "no,yes", "--nomlm")
        for dtype in engines.DTYPES:
            size = ("--config", SIZE, "--compute_dtype", dtype)
            encoder = export("export.encoder", f"encoder_{dtype}", *size)
            export("export.embedder", f"embedder_{dtype}", "--encoder", encoder, *preprocessor)
            classifier = export("export.encoder", f"classifier_{dtype}", *size, *head)
            text_model = f"classifier_text_{dtype}"
            export("export.text_model", text_model, "--encoder", classifier, *preprocessor)
        for runtime in (setups.ONNX_RUNTIME, setups.OPENVINO, setups.LITERT):
            if runtime in self._pythons:
                self._convert(runtime)

    def _convert(self, runtime: str) -> None:
        options: dict[str, list[str]] = {"encoder": ["--signature", "unpadded"]}
        if runtime != setups.LITERT:
            options |= {"embedder": [], "classifier_text": []}
        for name, given in options.items():
            for quantize in ("none", "int8"):
                arguments = [self._path("ours", f"{name}_float32", "1"), *given]
                arguments += ["--to", setups.FORMATS[runtime], "--quantize", quantize]
                arguments += ["--model_name", f"{name}_float32", "--export_dir", self._path("ours")]
                self._run("ours", ["export.convert", *arguments])

    def _garden(self) -> None:
        if os.path.exists(self._path("garden_preprocessor", "saved_model.pb")):
            return
        paths = [self._path("config.json"), self._new("garden")]
        self._run("garden", [f"{_WORKERS}.prepare_garden", *paths])
        exports = {"model_with_mlm": "garden_encoder", "preprocessing": "garden_preprocessor"}
        for export_type, name in exports.items():
            self._run("garden", self._garden_export(export_type, self._path(name)))

    def _garden_export(self, export_type: str, target: str) -> list[str]:
        arguments = ["official.nlp.tools.export_tfhub", "--export_type", export_type]
        arguments += ["--export_path", target, "--sp_model_file", SP_MODEL_FILE]
        if export_type != "preprocessing":
            arguments += ["--encoder_config_file", self._path("garden", "encoder.yaml")]
            arguments += ["--model_checkpoint_path", self._path("garden", "pretrainer-1")]
        return arguments

    def _hugging_face(self) -> None:
        if os.path.exists(self._path("hugging_face", "classifier", "config.json")):
            return
        paths = [self._path("config.json"), SP_MODEL_FILE, self._new("hugging_face")]
        self._run("torch", [f"{_WORKERS}.prepare_hugging_face", *paths])

    def _optimum(self) -> None:
        if os.path.exists(self._path("optimum", "openvino_int8", "openvino_model.xml")):
            return
        paths = [self._path("hugging_face"), self._new("optimum")]
        self._run("optimum", [f"{_WORKERS}.prepare_optimum", *paths])

    def _keras_hub(self) -> None:
        if os.path.exists(self._path("keras_hub", "model.weights.h5")):
            return
        paths = [self._path("config.json"), self._new("keras_hub")]
        self._run("keras_hub", [f"{_WORKERS}.prepare_keras_hub", *paths])

    def _run(self, environment: str, arguments: list[str], *, log: str = "") -> dict[str, float]:
        """Runs a module with `arguments`; the log's default name is the module's."""
        return processes.run(
            [self._pythons[environment], "-m", *arguments],
            log_path=os.path.join(self._log_dir, f"{log or arguments[0]}.log"),
            # Model Garden is written for Keras 2.
            env={"TF_USE_LEGACY_KERAS": "1"} if environment == "garden" else {},
        )

    def _new(self, name: str) -> str:
        directory = self._path(name)
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        return directory

    def _path(self, *names: str) -> str:
        return os.path.join(self._root, *names)


def _size(path: str) -> int:
    """Returns the bytes of a file, or of all files below a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return int(_sizes(path)["artifact_bytes"])


def _sizes(root: str) -> dict[str, float]:
    """Returns the size of all files below `root`, and of `saved_model.pb`."""
    sizes = {"saved_model_pb_bytes": 0, "artifact_bytes": 0}
    for folder, _, names in os.walk(root):
        for name in names:
            size = os.path.getsize(os.path.join(folder, name))
            sizes["artifact_bytes"] += size
            if name == "saved_model.pb":
                sizes["saved_model_pb_bytes"] += size
    return dict(sizes)
