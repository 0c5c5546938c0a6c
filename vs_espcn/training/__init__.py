"""Training, measuring and exporting networks; needs ``pip install vs-espcn[train]``."""

from importlib.util import find_spec

from vs_espcn.errors import InputError

if find_spec("torch") is None:
    raise InputError("PyTorch is not installed; training and evaluating need it: pip install vs-espcn[train]")
