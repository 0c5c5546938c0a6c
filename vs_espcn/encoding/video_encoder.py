"""Which encoder makes the video: the user's own, a preset's or the container's."""

from collections.abc import Sequence
from itertools import pairwise

import vapoursynth as vs

from vs_espcn.encoding.alpha import alpha_options
from vs_espcn.encoding.output_target import OutputTarget
from vs_espcn.encoding.presets import default_args, preset_args
from vs_espcn.errors import InputError

_CHOOSES_ENCODER = frozenset({"-c", "-c:v", "-c:v:0", "-codec", "-codec:v", "-codec:v:0", "-vcodec"})


def chosen_encoder(
    destination: OutputTarget, preset: str | None, ffmpeg_args: Sequence[str]
) -> tuple[tuple[str, ...], str] | None:
    """Options of the encoder that the user chose, apart from the user's own, and its name; None if none."""
    chosen = [value for option, value in pairwise(ffmpeg_args) if option in _CHOOSES_ENCODER]
    if not preset:
        return ((), chosen[-1]) if chosen else None
    args = preset_args(preset, destination.path.suffix)
    if chosen:
        raise InputError(f"both preset {preset!r} and the encoder {chosen[-1]!r} are chosen; give one")
    return args, _encoder_of(args)


def default_encoder(
    destination: OutputTarget, clip: vs.VideoNode, first: vs.VideoFrame
) -> tuple[tuple[str, ...], str]:
    """Options of the container's own encoder for a clip, and its name."""
    args = default_args(destination.container.video, destination.path.suffix, clip.format, first.props)
    return args, _encoder_of(args)


def alpha_options_of(
    destination: OutputTarget, preset: str | None, ffmpeg_args: Sequence[str]
) -> tuple[str, ...] | None:
    """Options that an encode needs to keep alpha planes; None if it cannot keep them.

    Args:
        destination: As for `plan_encode`, like the others.
        preset: A row of `presets`, or None.
        ffmpeg_args: Output options for ffmpeg.

    Raises:
        InputError: As by `plan_encode`.
    """
    default = destination.container.video
    args, encoder = chosen_encoder(destination, preset, ffmpeg_args) or (default, _encoder_of(default))
    return alpha_options(destination.ffmpeg, encoder, destination.container.muxer, [*args, *ffmpeg_args])


def _encoder_of(args: tuple[str, ...]) -> str:
    return args[args.index("-c:v") + 1]
