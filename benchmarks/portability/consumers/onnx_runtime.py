"""A signature converted by tf2onnx and run by ONNX Runtime."""

import os
import subprocess
import sys
import tempfile

import onnxruntime

from benchmarks.portability import parts

_OPSET = "18"


def run(folder: str, part: parts.Part) -> parts.Arrays:
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "model.onnx")
        command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", part.directory(folder)]
        command += ["--tag", "serve", "--signature_def", str(part.signature)]
        command += ["--opset", _OPSET, "--output", path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        with open(path, "rb") as file:
            model = file.read()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, part.arrays()), strict=True))
