"""ESPCN as a scaler for vs-jetpack's vsscale; it takes the place of ArtCNN.

    from vs_espcn.jetpack import ESPCN
    doubled = ESPCN().supersample(clip)
    scaled = ESPCN(scaler=Hermite).scale(clip, 1920, 1080)

Needs vsjetpack: ``pip install vsjetpack vapoursynth-resize2``.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import vapoursynth as vs

try:
    from vskernels import Catrom, KernelLike, ScalerLike
    from vsscale.generic import BaseGenericScaler
except ImportError as error:
    raise ImportError(
        f"vs_espcn.jetpack needs vsjetpack ({error}); "
        "install it with `pip install vsjetpack vapoursynth-resize2`"
    ) from error

from vs_espcn.errors import InputError
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.target_size import scale_that_reaches
from vs_espcn.filter.upscale import upscale_with
from vs_espcn.filter.variable_format import is_varying
from vs_espcn.filter.vs_errors import as_vs_error
from vs_espcn.networks.names import NetworkName
from vs_espcn.networks.quality import SourceKind
from vs_espcn.networks.registry import AUTO
from vs_espcn.runtime.backends import Backend

_DEFAULTS = ("width", "height", "shift", "copy_props", "rfactor")
"""Arguments of the methods that every scaler of vskernels takes beforehand, too."""


class ESPCN(BaseGenericScaler):
    """Super-resolution of the luma; chroma by the kernel."""

    _static_kernel_radius = 4

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        network: NetworkName | Path = AUTO,
        source: SourceKind | None = None,
        fps: float | None = None,
        tile: tuple[int, int] | None = None,
        kernel: KernelLike = Catrom,
        scaler: ScalerLike | None = None,
        shifter: KernelLike | None = None,
        **kwargs: Any,  # noqa: ANN401 - as in the base class
    ) -> None:
        """Choose how to scale; nothing is loaded yet.

        Args:
            backend: Where the network runs; None picks the best backend of this machine.
            network: As for `vs_espcn.upscale`, like the next two.
            source: For ``"auto"``: the kind of source.
            fps: For ``"auto"``: the frame rate to keep up with.
            tile: As for `vs_espcn.upscale`.
            kernel: Scales the chroma planes.
            scaler: Resizes the network's result to a size that is not a whole
                multiple; None is `kernel`.
            shifter: Shifts the result; None is `kernel`.
            **kwargs: Defaults for the arguments of `scale` and `supersample`.

        Raises:
            vs.Error: An option cannot be used, or there is no such option.
        """
        super().__init__(kernel=kernel, scaler=scaler, shifter=shifter, **kwargs)
        with as_vs_error():
            others = [name for name in self.kwargs if name not in _DEFAULTS]
            _check_none_left(
                "ESPCN",
                others,
                f"backend, network, source, fps, tile, kernel, scaler, shifter, {', '.join(_DEFAULTS)}",
            )
            self.options = UpscaleOptions(backend=backend, network=network, source=source, fps=fps, tile=tile)

    def scale(
        self,
        clip: vs.VideoNode,
        width: int | None = None,
        height: int | None = None,
        shift: tuple[float, float] = (0, 0),
        *,
        copy_props: bool = False,
        **kwargs: Any,  # noqa: ANN401 - as in the base class
    ) -> vs.VideoNode:
        """Scale a clip.

        Args:
            clip: As for `vs_espcn.upscale`, of constant format and size.
            width: Width of the result; None keeps the clip's.
            height: Height of the result; None keeps the clip's.
            shift: Sub-pixel shift (top, left), as vs-jetpack's scalers take it.
            copy_props: Whether the result has the clip's properties as they
                are, even where the size makes other ones right.
            **kwargs: None; what kernels take here has no meaning for a network.

        Returns:
            A clip of the same format.

        Raises:
            vs.Error: As from `vs_espcn.upscale`.
        """
        with as_vs_error():
            _check_none_left("ESPCN.scale", kwargs, "width, height, shift and copy_props")
            if is_varying(clip):
                raise InputError(
                    "the clip's format or size varies, which ESPCN of vs_espcn.jetpack does not take; "
                    "use vs_espcn.upscale, or make it constant first"
                )
            width, height = self._wh_norm(clip, width, height)
            scale = scale_that_reaches(
                str(self.options.network), max(width / clip.width, height / clip.height, 1)
            )
            options = replace(
                self.options,
                scale=scale,
                chroma=lambda plane: self.kernel.scale(plane, plane.width * scale, plane.height * scale),
            )
        upscaled = upscale_with(clip, options)
        return self._finish_scale(upscaled, clip, width, height, shift, copy_props)


def _check_none_left(callee: str, names: Iterable[str], accepted: str) -> None:
    if given := ", ".join(map(repr, names)):
        raise InputError(f"{callee} takes no argument {given}; accepted are {accepted}")
