"""Train, evaluate and export networks; needs the extra ``train``."""

from importlib.util import find_spec

from vs_espcn.errors import InputError, extra_hint

if find_spec("torch") is None:
    raise InputError(f"PyTorch is not installed; training and evaluating need it: {extra_hint('train')}")
