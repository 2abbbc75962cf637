"""Writes what Hugging Face's optimum makes of a model: ONNX and OpenVINO, and both in int8.

python -m benchmarks.peers.workers.prepare_optimum MODEL_DIRECTORY DIRECTORY
"""

import os
import shutil
import sys
import tempfile

from optimum import intel, onnxruntime
from optimum.onnxruntime import configuration


def main() -> None:
    model_directory, directory = sys.argv[1:]
    _write_onnx(model_directory, directory)
    _write_openvino(model_directory, os.path.join(directory, "openvino_float32"), in_8bit=False)
    _write_openvino(model_directory, os.path.join(directory, "openvino_int8"), in_8bit=True)


def _write_onnx(model_directory: str, directory: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        model = onnxruntime.ORTModelForFeatureExtraction.from_pretrained(
            model_directory, export=True
        )
        model.save_pretrained(work)
        shutil.copyfile(
            os.path.join(work, "model.onnx"), os.path.join(directory, "onnx_float32.onnx")
        )
        onnxruntime.ORTQuantizer.from_pretrained(work).quantize(
            # Dynamic: its calibration is of each batch. The other choices differ in `reduce_range`.
            quantization_config=configuration.AutoQuantizationConfig.avx512_vnni(
                is_static=False, per_channel=True
            ),
            save_dir=work,
        )
        shutil.copyfile(
            os.path.join(work, "model_quantized.onnx"), os.path.join(directory, "onnx_int8.onnx")
        )


def _write_openvino(model_directory: str, directory: str, *, in_8bit: bool) -> None:
    model = intel.OVModelForFeatureExtraction.from_pretrained(
        model_directory, export=True, compile=False, load_in_8bit=in_8bit
    )
    model.save_pretrained(directory)


if __name__ == "__main__":
    main()
