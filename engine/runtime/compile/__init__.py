"""What is made of a model once, before a runtime can play it: OpenVINO's graphs, TensorRT's plans."""
