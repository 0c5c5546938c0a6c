"""TensorRT and TensorRT-RTX: plans are built, cached and run here."""
