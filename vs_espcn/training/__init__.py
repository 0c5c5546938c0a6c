"""Training, measuring and exporting networks; needs ``pip install vs-espcn[train]``."""

from importlib.util import find_spec

from vs_espcn.errors import InputError

for _module, _package in (("torch", "PyTorch"), ("PIL", "Pillow")):
    if find_spec(_module) is None:
        raise InputError(
            f"{_package} is not installed; training and evaluating need it: pip install vs-espcn[train]"
        )
