"""The networks that can be trained, in PyTorch."""
