"""ONNX: graphs written straight from the weights, for ONNX Runtime, OpenVINO and browsers."""
