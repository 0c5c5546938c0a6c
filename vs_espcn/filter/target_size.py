"""The networks that reach a requested size."""

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement

import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.networks import registry

_MOST_STEPS = 2


@dataclass(frozen=True, kw_only=True)
class UpscaleSteps:
    """How a clip of one size and format is upscaled.

    Attributes:
        steps: The networks, applied in turn, the smaller scale first because
            it then works on the smaller picture.
        width: Width of the result; the networks' output is resized down to it.
        height: Height of the result.
        stretch: Factor on the sample aspect ratio that keeps the picture's
            shape; 1 if width and height scale alike.
    """

    steps: tuple[registry.ModelSpec, ...]
    width: int
    height: int
    stretch: Fraction

    @property
    def scale(self) -> int:
        """Scale of all steps together."""
        return math.prod(step.scale for step in self.steps)


def steps_to(
    clip: vs.VideoNode, network: str, scale: float, width: int | None, height: int | None
) -> UpscaleSteps:
    """Choose the smallest networks that reach a size.

    Args:
        clip: Of constant format and size.
        network: Name of a shipped network, or path of an ONNX file.
        scale: Factor on width and height, 1 or more, if neither is given.
        width: Width of the result; None keeps the aspect.
        height: Height of the result; None keeps the aspect.

    Raises:
        InputError: The size cannot be reached, is below the clip's, or does not fit its chroma subsampling.
    """
    size = _target_size(clip, scale, width, height)
    needed = max(size[0] / clip.width, size[1] / clip.height)
    if needed < 1 or min(size[0] / clip.width, size[1] / clip.height) < 1:
        raise InputError(
            f"{size[0]}x{size[1]} is smaller than the clip's {clip.width}x{clip.height}; "
            "this filter only upscales: use resize.Spline36 to scale down"
        )
    return UpscaleSteps(
        steps=_cheapest_chain(registry.of_network(network), needed),
        width=size[0],
        height=size[1],
        stretch=_stretch(clip, *size),
    )


def shipped_steps(
    clip: vs.VideoNode, scale: float, width: int | None, height: int | None
) -> dict[str, UpscaleSteps]:
    """Return the shipped networks that reach a size with the smallest scale and in the fewest steps.

    int8 forms are left out: the backend's precision selects them.

    Args:
        clip: As for `steps_to`, like the others.
        scale: Factor on width and height.
        width: Width of the result.
        height: Height of the result.

    Returns:
        By the networks' names; at least one.

    Raises:
        InputError: As by `steps_to` of the network with the most scales.
    """
    found: dict[str, UpscaleSteps] = {}
    for name in _shipped_names():
        try:
            found[name] = steps_to(clip, name, scale, width, height)
        except InputError:
            if not found:
                raise
    least = min((steps.scale, len(steps.steps)) for steps in found.values())
    return {name: steps for name, steps in found.items() if (steps.scale, len(steps.steps)) == least}


def scale_that_reaches(network: str, needed: float) -> int:
    """Return the smallest whole scale of one or two networks that is at least `needed`.

    Args:
        network: Name of a shipped network, or path of an ONNX file; ``"auto"``
            for the least of all shipped ones.
        needed: Factor on width and height.

    Raises:
        InputError: There is no such network, or none of its scales is enough.
    """
    if network != registry.AUTO:
        return math.prod(step.scale for step in _cheapest_chain(registry.of_network(network), needed))
    first, *others = _shipped_names()
    least = scale_that_reaches(first, needed)
    for name in others:
        with suppress(InputError):
            least = min(least, scale_that_reaches(name, needed))
    return least


def _shipped_names() -> list[str]:
    """List the shipped networks without int8 forms, those with the most scales first."""
    names = [spec.network for spec in registry.shipped() if not spec.is_int8]
    return [name for name, _ in Counter(names).most_common()]


def _target_size(clip: vs.VideoNode, scale: float, width: int | None, height: int | None) -> tuple[int, int]:
    multiple_x, multiple_y = 1 << clip.format.subsampling_w, 1 << clip.format.subsampling_h
    if width is None and height is None:
        return _rounded(clip.width * scale, multiple_x), _rounded(clip.height * scale, multiple_y)
    if width is None:
        width = _rounded(clip.width * height / clip.height, multiple_x)
    if height is None:
        height = _rounded(clip.height * width / clip.width, multiple_y)
    if width % multiple_x or height % multiple_y:
        raise InputError(
            f"{width}x{height} does not fit {clip.format.name}, whose luma comes in multiples of "
            f"{multiple_x}x{multiple_y}; use {_rounded(width, multiple_x)}x{_rounded(height, multiple_y)}"
        )
    return width, height


def _stretch(clip: vs.VideoNode, width: int, height: int) -> Fraction:
    """Factor on the sample aspect ratio; 1 if only rounding to whole chroma samples changed the aspect."""
    exact_width = Fraction(clip.width * height, clip.height)
    exact_height = Fraction(clip.height * width, clip.width)
    if (
        abs(exact_width - width) <= 1 << clip.format.subsampling_w
        or abs(exact_height - height) <= 1 << clip.format.subsampling_h
    ):
        return Fraction(1)
    return exact_width / width


def _rounded(value: float, multiple: int) -> int:
    return max(1, round(value / multiple)) * multiple


def _cheapest_chain(specs: Sequence[registry.ModelSpec], needed: float) -> tuple[registry.ModelSpec, ...]:
    """Return the steps with the smallest scale that reaches `needed`; of equal ones, the fewest steps."""
    chains = [
        chain for count in range(1, _MOST_STEPS + 1) for chain in combinations_with_replacement(specs, count)
    ]
    scales = {chain: math.prod(spec.scale for spec in chain) for chain in chains}
    enough = [chain for chain in chains if scales[chain] >= needed]
    if not enough:
        raise InputError(
            f"scale {needed:g} is out of reach: {specs[0].network} has networks for "
            f"{', '.join(str(spec.scale) for spec in specs)}, which reach {max(scales.values())} in "
            f"{_MOST_STEPS} steps; upscale to that and resize the rest"
        )
    return min(enough, key=lambda chain: (scales[chain], len(chain)))
