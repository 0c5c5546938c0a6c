"""Make networks by name."""

from collections.abc import Callable

from vs_espcn.errors import InputError
from vs_espcn.networks.registry import INT8_SUFFIX
from vs_espcn.training.networks.int8 import Int8Network
from vs_espcn.training.networks.layers import Espcn, Network, Srcnn
from vs_espcn.training.networks.subpixel import SHAPES, Subpixel
from vs_espcn.training.networks.tnrd import ACTIVATION, Tnrd

_OTHERS: dict[str, Callable[[int, str | None], Network]] = {
    "espcn": lambda scale, activation: Espcn(scale, activation or "tanh"),
    "srcnn-915": lambda scale, activation: Srcnn(scale, activation or "relu", second=1),
    "srcnn-955": lambda scale, activation: Srcnn(scale, activation or "relu", second=5),
    "tnrd": lambda scale, activation: Tnrd(scale, activation or ACTIVATION),
}
_IN_INT8 = {f"{name}{INT8_SUFFIX}": name for name in ("espcn", *SHAPES)}

NAMES = (*_OTHERS, *SHAPES, *_IN_INT8)
"""The networks that ``make_network`` can make."""


def make_network(name: str, scale: int, activation: str | None = None, *, branches: bool = False) -> Network:
    """Make a network with random weights.

    Args:
        name: One of ``NAMES``.
        scale: Integer scale.
        activation: A key of ``ACTIVATIONS``; None for the network's own.
        branches: True to train each convolution of a ``Subpixel`` as a sum of branches.

    Raises:
        InputError: The network or the activation is not known, or has no branches.
    """
    if name not in NAMES:
        raise InputError(f"network {name!r} cannot be trained; choose {', '.join(NAMES)}")
    if branches and name not in SHAPES:
        raise InputError(
            f"network {name!r} has no branches; leave out --branches, or choose {', '.join(SHAPES)}"
        )
    if name in _IN_INT8:
        return Int8Network(_make_float(_IN_INT8[name], scale, activation))
    return _make_float(name, scale, activation, branches=branches)


def _make_float(name: str, scale: int, activation: str | None, *, branches: bool = False) -> Network:
    if name in SHAPES:
        return Subpixel(name, scale, activation or "leaky", shape=SHAPES[name], branches=branches)
    return _OTHERS[name](scale, activation)
