"""OpenVINO, which reads the SavedModel, but only its signature `serving_default`."""

import re

import openvino

from benchmarks.portability import parts

# Lines of its errors that precede the reason.
_PREAMBLE = re.compile(r"(Exception from|Check |FrontEnd API|Model wasn't|-- \w+ with a message).*")


def run(folder: str, part: parts.Part) -> parts.Arrays:
    core = openvino.Core()
    try:
        model = core.read_model(part.directory(folder))
    except RuntimeError as error:
        lines = str(error).replace("Summary:", "").splitlines()
        reasons = [line for line in lines if line and not _PREAMBLE.fullmatch(line)]
        raise RuntimeError("\n".join(reasons)) from error
    # Otherwise OpenVINO computes in bfloat16 on some CPUs.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = compiled(part.arrays())
    return {name: array for output, array in outputs.items() for name in output.get_names()}
