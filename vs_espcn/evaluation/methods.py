"""The methods that an evaluation compares: VapourSynth's resizers, and networks in the filter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import Luma, through_arrays
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.upscale import upscale_with
from vs_espcn.networks import registry
from vs_espcn.runtime.backends import Backend
from vs_espcn.training.data.degradation import round_to_8_bit

BICUBIC = {"filter_param_a": 0.0, "filter_param_b": 0.5}
"""The cubic of MATLAB's imresize (a = −0.5) in the terms of VapourSynth's ``resize.Bicubic``.

Results equal ``vs_espcn.training.data.degradation`` both ways, but for single codes that round the other way.
"""

RESIZERS: dict[str, tuple[str, dict[str, float]]] = {
    "nearest": ("Point", {}),
    "bilinear": ("Bilinear", {}),
    "bicubic": ("Bicubic", BICUBIC),
    "lanczos": ("Lanczos", {"filter_param_a": 3.0}),
    "spline36": ("Spline36", {}),
}
"""Function of VapourSynth's ``resize`` and its arguments, by the method's name."""

_USUAL_SCALES = (2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to upscale.

    Attributes:
        name: Its name in tables.
        scales: The scales it can do; None for any.
        upscale: GRAY8 clip and scale → GRAY8 clip of that many times the size.
    """

    name: str
    scales: frozenset[int] | None
    upscale: Callable[[vs.VideoNode, int], vs.VideoNode]

    def has(self, scale: int) -> bool:
        """Tell whether the method can upscale by `scale`."""
        return self.scales is None or scale in self.scales


def choose(
    names: Sequence[str],
    files: Sequence[Path],
    checkpoint: Path | None,
    scales: Sequence[int],
    backend: Backend | None,
) -> tuple[list[Method], list[int]]:
    """Choose the methods and scales to measure.

    Args:
        names: Resizers and shipped networks; empty for all of them.
        files: ONNX files.
        checkpoint: A file that ``vs-espcn train`` wrote; it runs in PyTorch.
        scales: None for those of files and checkpoint, or else 2, 3 and 4.
        backend: Where networks run; None for the best that is present.

    Returns:
        Methods and scales; each method has at least one of these.

    Raises:
        InputError: A name is not known, a file is no network, or a method that
            was asked for has none of the scales.
    """
    given = [_from_file(path, backend) for path in files]
    if checkpoint:
        given.append(_from_checkpoint(checkpoint))
    named = [_find(name, backend) for name in dict.fromkeys(names)]
    theirs = sorted({scale for method in given for scale in method.scales or ()})
    wanted = sorted(set(scales)) or theirs or list(_USUAL_SCALES)
    for method in (*named, *given):
        if not any(method.has(scale) for scale in wanted):
            raise InputError(
                f"network {method.name} has scale {_listed(method.scales or ())}, asked for is "
                f"{_listed(wanted)}; choose a --scale that it has, or another network"
            )
    if not names:
        every = [_find(name, backend) for name in (*RESIZERS, *_shipped_names())]
        named = [method for method in every if any(method.has(scale) for scale in wanted)]
    return [*named, *given], wanted


def _find(name: str, backend: Backend | None) -> Method:
    if name in RESIZERS:
        return _resizer(name)
    if name not in _shipped_names():
        known = ", ".join((*RESIZERS, *_shipped_names()))
        raise InputError(f"method {name!r} is not known; choose one of {known}, or give a file by --network")
    return _through_filter(name, backend)


def _shipped_names() -> list[str]:
    """List the shipped networks without their int8 forms, which the backend's precision selects."""
    return list(dict.fromkeys(spec.network for spec in registry.shipped() if not spec.is_int8))


def _resizer(name: str) -> Method:
    kernel, options = RESIZERS[name]

    def run(clip: vs.VideoNode, scale: int) -> vs.VideoNode:
        resize = getattr(vs.core.resize, kernel)
        return resize(clip, width=clip.width * scale, height=clip.height * scale, **options)

    return Method(name=name, scales=None, upscale=run)


def _from_file(path: Path, backend: Backend | None) -> Method:
    if path.suffix != ".onnx":
        raise InputError(
            f"network {str(path)!r} is not a file ending in .onnx; shipped networks are named by --method"
        )
    return _through_filter(str(path), backend)


def _through_filter(network: str, backend: Backend | None) -> Method:
    scales = frozenset(spec.scale for spec in registry.of_network(network))

    def run(clip: vs.VideoNode, scale: int) -> vs.VideoNode:
        return upscale_with(clip, UpscaleOptions(scale=scale, network=network, backend=backend))

    return Method(name=network, scales=scales, upscale=run)


def _from_checkpoint(path: Path) -> Method:
    from vs_espcn.training.evaluate import open_checkpoint  # noqa: PLC0415 - loads torch

    scale, network = open_checkpoint(path)

    def upscale_luma(luma: Luma) -> Luma:
        return round_to_8_bit(network((luma / 255).astype(np.float32)))

    def run(clip: vs.VideoNode, scale: int) -> vs.VideoNode:
        return through_arrays(clip, scale, upscale_luma)

    return Method(name=f"{path} (PyTorch)", scales=frozenset({scale}), upscale=run)


def _listed(scales: Sequence[int] | frozenset[int]) -> str:
    return ", ".join(f"x{scale}" for scale in sorted(scales))
