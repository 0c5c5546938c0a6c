"""Upscaling of a clip of constant format and size: luma, chroma, aspect and alpha by kind of frame."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import vapoursynth as vs

from vs_espcn.filter import rgb
from vs_espcn.filter.alpha import AlphaFormat, alpha_clip, alpha_format
from vs_espcn.filter.chroma import chroma_location, find_resizer, scale_chroma
from vs_espcn.filter.frame_properties import is_full_range, sample_aspect
from vs_espcn.filter.luma import LumaUpscaler
from vs_espcn.filter.memory import check_fits
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.sample_formats import sample_format, split_plane
from vs_espcn.filter.target_size import UpscaleSteps, steps_to
from vs_espcn.runtime.precision import ResolvedNetwork, resolve


@dataclass(frozen=True, kw_only=True)
class FrameKind:
    """Properties that decide how a frame is upscaled; the engines handle the range of luma.

    Attributes:
        full_range: Of RGB; None of other clips.
        siting: Of subsampled chroma; None of other clips.
        aspect: Sample aspect ratio where the size stretches the picture, else None.
        alpha: Format and size of the alpha plane; None without one.
    """

    full_range: bool | None
    siting: vs.ChromaLocation | None
    aspect: Fraction | None
    alpha: AlphaFormat | None


@dataclass(frozen=True, kw_only=True)
class _Route:
    """How one plane is upscaled.

    Attributes:
        options: What was asked for; the network is named.
        steps: The networks' scales and the size that they reach.
        networks: The network of each step, with its backend in the precision
            that the depth asks for.
    """

    options: UpscaleOptions
    steps: UpscaleSteps
    networks: tuple[ResolvedNetwork, ...]


def _route(options: UpscaleOptions, steps: UpscaleSteps, depth: int | None) -> _Route:
    networks = tuple(resolve(step, options.runs_on, depth) for step in steps.steps)
    return _Route(options=options, steps=steps, networks=networks)


class ClipUpscaler:
    """Upscales a clip's frames by their kinds, which share the luma."""

    def __init__(self, clip: vs.VideoNode, props: vs.FrameProps, options: UpscaleOptions) -> None:
        """Check the size and resolve the networks.

        Args:
            clip: Of constant format and size.
            props: Of one of its frames, for whose range engines are opened.
            options: What is asked for; the network is named.

        Raises:
            InputError: The clip or an option cannot be used.
            BackendError: The processor cannot compute in the precision.
        """
        depth = sample_format(clip.format).depth
        steps = steps_to(clip, str(options.network), options.scale, options.width, options.height)
        check_fits(clip.format, clip.width * steps.scale, clip.height * steps.scale)
        self._clip = clip
        self._props = props
        self._route = _route(options, steps, depth)
        self._luma_of = cache(self._upscale_luma)
        self._alpha_of = cache(self._upscale_alpha)

    def kind_of(self, props: Mapping[str, Any]) -> FrameKind:
        """Return the kind of a frame with these properties.

        Raises:
            InputError: A property cannot be used.
        """
        video, options = self._clip.format, self._route.options
        is_subsampled = bool(video.subsampling_w or video.subsampling_h)
        full_range = None
        if video.color_family == vs.RGB:
            told = options.range
            full_range = is_full_range(props, default=True) if told is None else told == "full"
        return FrameKind(
            full_range=full_range,
            siting=chroma_location(props) if is_subsampled else None,
            aspect=sample_aspect(props) if self._route.steps.stretch != 1 else None,
            alpha=alpha_format(props),
        )

    def of_kind(self, kind: FrameKind) -> vs.VideoNode:
        """Upscale the whole clip as if all its frames were of one kind.

        Raises:
            InputError: The alpha plane or the caller's chroma function cannot be used.
            BackendError: The runtime cannot run the network.
        """
        upscaled = self._colours(kind)
        if kind.aspect is not None:
            aspect = kind.aspect * self._route.steps.stretch
            upscaled = vs.core.std.SetFrameProps(
                upscaled, _SARNum=aspect.numerator, _SARDen=aspect.denominator
            )
        if kind.alpha is None:
            return upscaled
        return vs.core.std.ClipToProp(upscaled, self._alpha_of(kind.alpha), "_Alpha")

    def _colours(self, kind: FrameKind) -> vs.VideoNode:
        clip, matrix, steps = self._clip, self._route.options.matrix, self._route.steps
        luma = self._luma_of(kind.full_range)
        if clip.format.color_family == vs.GRAY:
            return luma
        planes = scale_chroma(
            self._as_yuv(kind.full_range),
            steps.width,
            steps.height,
            resizer=find_resizer(self._route.options.chroma),
            location=vs.CHROMA_CENTER if kind.siting is None else kind.siting,
        )
        upscaled = vs.core.std.ShufflePlanes([luma, *planes], [0, 0, 0], vs.YUV)
        if kind.full_range is None:
            return upscaled
        return rgb.from_yuv(upscaled, clip, matrix, full_range=kind.full_range)

    def _as_yuv(self, full_range: bool | None) -> vs.VideoNode:
        if full_range is None:
            return self._clip
        return rgb.to_yuv(self._clip, self._route.options.matrix, full_range=full_range)

    def _upscale_luma(self, full_range: bool | None) -> vs.VideoNode:
        return _upscale_plane(self._as_yuv(full_range), self._props, self._route)

    def _upscale_alpha(self, alpha: AlphaFormat) -> vs.VideoNode:
        plane = alpha_clip(self._clip, alpha)
        steps, options = self._route.steps, replace(self._route.options, range="full")
        steps = steps_to(plane, str(options.network), 1, steps.width, steps.height)
        route = _route(options, steps, sample_format(plane.format).depth)
        return _upscale_plane(plane, self._props, route)


def _upscale_plane(clip: vs.VideoNode, props: vs.FrameProps, route: _Route) -> vs.VideoNode:
    """Upscale the first plane of a clip through all networks and to its size, with the clip's properties."""
    steps, upscaled = route.steps, clip
    for network in route.networks:
        luma = LumaUpscaler(network, upscaled, range_=route.options.range, tile=route.options.tile)
        upscaled = luma.upscale(props)
    if (upscaled.width, upscaled.height) == (steps.width, steps.height):
        return upscaled
    resized = vs.core.resize.Spline36(split_plane(upscaled, 0), width=steps.width, height=steps.height)
    return vs.core.std.CopyFrameProps(resized, upscaled)
