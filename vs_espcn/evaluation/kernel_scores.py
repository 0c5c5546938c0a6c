"""Look up the kernels that reduce originals for an evaluation."""

from collections.abc import Sequence

from vs_espcn.errors import InputError
from vs_espcn.training.data.kernels import KERNELS, Kernel

Kernels = dict[str, Kernel]
"""By what tables call them; the bicubic of the literature, where nothing was asked for, by an empty name."""

LITERATURE: Kernels = {"": KERNELS["bicubic"]}


def find_kernels(names: Sequence[str]) -> Kernels:
    """Look up kernels by name.

    Args:
        names: Keys of ``KERNELS``; none for the bicubic of the literature.

    Raises:
        InputError: There is no such kernel.
    """
    for name in names:
        if name not in KERNELS:
            raise InputError(f"kernel {name!r} is not known; choose {', '.join(KERNELS)}")
    return {name: KERNELS[name] for name in names} or LITERATURE
