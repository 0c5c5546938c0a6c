"""Score methods on clips: reduce each frame's luma, upscale it and compare.

Few sources are uncompressed, so each clip is also measured after x264 has
coded its reduced version.
"""

import logging
import math
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import vapoursynth as vs

from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.encoding.ffmpeg_process import FfmpegProcess
from vs_espcn.encoding.source import open_source
from vs_espcn.errors import InputError
from vs_espcn.evaluation.clips import measuring, through_arrays
from vs_espcn.evaluation.images import degrade
from vs_espcn.evaluation.kernel_scores import LITERATURE, Kernels
from vs_espcn.evaluation.methods import BICUBIC, Method
from vs_espcn.evaluation.scores import EXACT_COPY, UNCOMPRESSED, Score, labels
from vs_espcn.filter.frame_properties import check_progressive
from vs_espcn.streaming import y4m_writer
from vs_espcn.training.data.kernels import Kernel

_log = logging.getLogger(__name__)


def score_clips(
    paths: Sequence[Path],
    methods: Sequence[Method],
    scales: Sequence[int],
    *,
    frames: int | None,
    rates: Sequence[int],
    kernels: Kernels = LITERATURE,
) -> Iterator[Score]:
    """Measure each frame of the clips, uncompressed and compressed.

    The picture is cropped to a multiple of twice the scale, so that x264 takes
    the low-resolution 4:2:0 clip. `scale` pixels at each border don't count.

    Args:
        paths: Video files, progressive.
        methods: The methods to measure.
        scales: Integer scales.
        frames: Number of frames to measure from each clip's start; None for all.
        rates: Values of crf for x264's preset medium.
        kernels: The kernels that reduce the frames.

    Raises:
        InputError: A file is not a usable video, or a network cannot run.
        EncodeError: ffmpeg is missing or failed.
    """
    for path, group in zip(paths, labels(paths), strict=True):
        with measuring(path):
            clip = open_clip(path, frames)
            for scale in scales:
                usable = [method for method in methods if method.has(scale)]
                for name, kernel in kernels.items():
                    yield from _score_clip(clip, group, usable, scale, rates, name, kernel)


def frame_psnrs(result: vs.VideoNode, truth: vs.VideoNode) -> Iterator[float]:
    """Return the PSNR of each frame, in dB, at most `EXACT_COPY`.

    Args:
        result: GRAY8.
        truth: GRAY8 of the same size and length.
    """
    # A squared error is at most 255² and fits into 16 bits; PlaneStats sums integers exactly.
    errors = vs.core.std.Expr([result, truth], "x y - dup *", format=vs.GRAY16)
    for frame in vs.core.std.PlaneStats(errors).frames(close=True):
        mean_squared = frame.props["PlaneStatsAverage"] * 65535
        yield min(10 * math.log10(255**2 / mean_squared), EXACT_COPY) if mean_squared else EXACT_COPY


def open_clip(path: Path, frames: int | None) -> vs.VideoNode:
    """Open a clip's first `frames` frames (None: all) at 8 bits.

    Raises:
        InputError: The clip is interlaced, or neither YUV nor grey.
    """
    clip = open_source(path, turn_upright=False).clip[:frames]
    if clip.format.color_family not in {vs.GRAY, vs.YUV}:
        raise InputError(f"{path} is {clip.format.name}; give a clip in YUV or grey")
    try:
        check_progressive(clip.get_frame(0).props)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    eight_bit = clip.format.replace(bits_per_sample=8, sample_type=vs.INTEGER)
    return vs.core.resize.Point(clip, format=eight_bit.id)


def _score_clip(
    clip: vs.VideoNode,
    group: str,
    methods: Sequence[Method],
    scale: int,
    rates: Sequence[int],
    name: str,
    kernel: Kernel,
) -> Iterator[Score]:
    unit = 2 * scale
    if min(clip.width, clip.height) < 2 * unit:
        raise InputError(
            f"{group} is {clip.width}x{clip.height}; x{scale} needs {2 * unit} pixels a side or more"
        )
    truth = vs.core.std.Crop(clip, right=clip.width % unit, bottom=clip.height % unit)
    low = reduced(truth, scale, kernel)
    with tempfile.TemporaryDirectory(prefix="vs-espcn-") as folder:
        sources = {UNCOMPRESSED: low}
        for rate in rates:
            sources[f"crf {rate}"] = compressed(low, rate, Path(folder) / f"{rate}.mkv")
        for source, given in sources.items():
            for method in methods:
                result = method.upscale(_luma(given), scale)
                psnrs = frame_psnrs(_inner(result, scale), _inner(_luma(truth), scale))
                for number, psnr in enumerate(psnrs):
                    yield Score(
                        group=group,
                        item=str(number),
                        source=f"{name}, {source}" if name else source,
                        scale=scale,
                        method=method.name,
                        psnr=psnr,
                    )


def reduced(clip: vs.VideoNode, scale: int, kernel: Kernel) -> vs.VideoNode:
    """Reduce a clip to 4:2:0 at 1/`scale` of its size. Chroma is not measured and always takes bicubic."""
    size = {"width": clip.width // scale, "height": clip.height // scale}
    low = vs.core.resize.Bicubic(clip, format=vs.YUV420P8, **size, **BICUBIC)
    if kernel.name == "bicubic":
        return low
    luma = through_arrays(_luma(clip), Fraction(1, scale), partial(degrade, scale=scale, kernel=kernel))
    return vs.core.std.ShufflePlanes([luma, low, low], [0, 1, 2], vs.YUV)


def compressed(clip: vs.VideoNode, rate: int, file: Path) -> vs.VideoNode:
    """Code a clip into `file` with x264 at a crf, and open the result."""
    options = ("-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "medium", "-crf", str(rate))
    arguments = ("-f", "yuv4mpegpipe", "-i", "pipe:0", *options, f"file:{file}")
    with FfmpegProcess(find_ffmpeg().path, arguments) as encoder:
        encoder.feed(y4m_writer.frame_buffers(clip))
        encoder.finish(clip.num_frames)
    return vs.core.bs.VideoSource(str(file), cachemode=0)


def _luma(clip: vs.VideoNode) -> vs.VideoNode:
    return vs.core.std.ShufflePlanes(clip, 0, vs.GRAY)


def _inner(clip: vs.VideoNode, border: int) -> vs.VideoNode:
    return vs.core.std.Crop(clip, left=border, right=border, top=border, bottom=border)
