"""OpenVINO's IR, from the graphs of ONNX."""
