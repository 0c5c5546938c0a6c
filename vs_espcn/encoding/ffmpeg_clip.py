"""A film whose frames ffmpeg decodes, for what BestSource cannot give.

VapourSynth has no clip of 4:2:0 with an odd width or height, so BestSource leaves out the last
column or row; and its decoders of VP8 and VP9 leave out alpha. Everything else, such as the frames'
properties, is BestSource's.
"""

import subprocess
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import vapoursynth as vs
from numpy.typing import NDArray

from vs_espcn.encoding.ffmpeg import Ffmpeg
from vs_espcn.encoding.media_info import StreamInfo
from vs_espcn.errors import InputError
from vs_espcn.filter.vs_errors import as_vs_error

_KEPT = 64
"""Frames that are kept for being asked for out of order; VapourSynth asks for some ahead."""

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

_SUBSAMPLINGS = {(0, 0): "444", (1, 0): "422", (1, 1): "420", (2, 0): "411", (2, 2): "410", (0, 1): "440"}

Planes = list[NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How ffmpeg writes a frame.

    Attributes:
        pixel_format: ffmpeg's name of it.
        shapes: Height and width of each plane.
        dtype: Of a sample.
    """

    pixel_format: str
    shapes: tuple[tuple[int, int], ...]
    dtype: "np.dtype[Any]"


def complete_clip(
    ffmpeg: Ffmpeg, path: Path, clip: vs.VideoNode, stream: StreamInfo, *, turned: bool
) -> tuple[vs.VideoNode, tuple[int, int]]:
    """Give a clip of BestSource the column, the row or the alpha plane that it lacks.

    Args:
        ffmpeg: Decodes the film, from its beginning whenever earlier frames are asked for.
        path: The film.
        clip: What BestSource makes of it.
        stream: What ffmpeg says of it.
        turned: Whether a rotation tag was applied to the picture.

    Returns:
        The clip, whose last column and row are repeated up to whole chroma samples; and the size of
        the picture without what was repeated.
    """
    size = stream.size or (clip.width, clip.height)
    if turned and stream.is_sideways:
        size = (size[1], size[0])
    has_alpha = stream.codec in _ALPHA_DECODERS and stream.tag("alpha_mode") == "1"
    if not has_alpha and not _is_cropped(clip, size):
        return clip, (clip.width, clip.height)
    layout = _layout(clip.format, size, has_alpha=has_alpha)
    decoder = ("-c:v", _ALPHA_DECODERS[stream.codec]) if has_alpha else ()
    command = [
        *(ffmpeg.path, "-nostdin", "-loglevel", "error", *(() if turned else ("-noautorotate",)), *decoder),
        *("-i", f"file:{path}", "-map", f"0:{stream.index}", "-fps_mode", "passthrough"),
        *("-f", "rawvideo", "-pix_fmt", _as_coded(stream, layout.pixel_format), "pipe:1"),
    ]
    frames = _Frames(command, layout)
    return _with_frames(clip, frames, size, has_alpha=has_alpha), size


class _Frames:
    """Frames of a running ffmpeg, the latest of which are kept."""

    def __init__(self, command: list[str], layout: _Layout) -> None:
        """Nothing is started yet."""
        self._command, self._layout = command, layout
        self._process: subprocess.Popen[bytes] | None = None
        self._next = 0
        self._kept: OrderedDict[int, Planes] = OrderedDict()
        self._lock = threading.Lock()

    def planes(self, number: int) -> Planes:
        """The planes of a frame.

        Raises:
            InputError: ffmpeg ended before it.
        """
        with self._lock:
            if number not in self._kept and (self._process is None or number < self._next):
                self._restart()
            while number not in self._kept:
                self._kept[self._next] = self._read()
                self._next += 1
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return self._kept[number]

    def close(self) -> None:
        """End ffmpeg."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _restart(self) -> None:
        self.close()
        self._kept.clear()
        self._next = 0
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def _read(self) -> Planes:
        assert self._process
        assert self._process.stdout
        sizes = [height * width for height, width in self._layout.shapes]
        wanted = sum(sizes) * self._layout.dtype.itemsize
        data = self._process.stdout.read(wanted)
        if len(data) < wanted:
            raise InputError(f"ffmpeg decodes {self._next} frames of the video, and its index has more")
        parts = np.split(np.frombuffer(data, self._layout.dtype), np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._layout.shapes, strict=True)]


def _is_cropped(clip: vs.VideoNode, size: tuple[int, int]) -> bool:
    """Whether BestSource has left out what doesn't fill a chroma sample."""
    multiples = 1 << clip.format.subsampling_w, 1 << clip.format.subsampling_h
    kept = tuple(side - side % multiple for side, multiple in zip(size, multiples, strict=True))
    return size != kept and kept == (clip.width, clip.height)


def _layout(video: vs.VideoFormat, size: tuple[int, int], *, has_alpha: bool) -> _Layout:
    width, height = size
    chroma = -(-height // (1 << video.subsampling_h)), -(-width // (1 << video.subsampling_w))
    alpha = [(height, width)] if has_alpha else []
    depth = f"p{video.bits_per_sample}le" if video.bits_per_sample > 8 else "p"
    subsampling = _SUBSAMPLINGS[video.subsampling_w, video.subsampling_h]
    return _Layout(
        pixel_format=f"yuv{'a' if has_alpha else ''}{subsampling}{depth}",
        shapes=((height, width), chroma, chroma, *alpha),
        dtype=np.dtype("<u2" if video.bytes_per_sample > 1 else np.uint8),
    )


def _as_coded(stream: StreamInfo, pixel_format: str) -> str:
    """The name of the same layout by which ffmpeg leaves a full range as it is."""
    full_range = pixel_format.replace("yuv", "yuvj", 1)
    return full_range if f", {full_range}(" in stream.text else pixel_format


def _with_frames(
    clip: vs.VideoNode, frames: _Frames, size: tuple[int, int], *, has_alpha: bool
) -> vs.VideoNode:
    """The frames as a clip with the properties of another one."""
    multiples = 1 << clip.format.subsampling_w, 1 << clip.format.subsampling_h
    width, height = (-(-side // multiple) * multiple for side, multiple in zip(size, multiples, strict=True))

    def filled(video: vs.VideoFormat, chosen: slice, n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = vs.core.create_video_frame(video, width, height)
        frame.props.update(f.props)
        with as_vs_error(n):
            planes = frames.planes(n)[chosen]
        for source, target in zip(planes, frame, strict=True):
            samples = np.asarray(target)
            rows, columns = samples.shape
            missing = ((0, rows - source.shape[0]), (0, columns - source.shape[1]))
            np.copyto(samples, np.pad(source, missing, mode="edge"))
        return frame

    vs.register_on_destroy(frames.close)
    blank = vs.core.std.BlankClip(clip, width=width, height=height, keep=True)
    colours = vs.core.std.ModifyFrame(blank, clip, partial(filled, clip.format, slice(0, 3)))
    if not has_alpha:
        return colours
    gray = clip.format.replace(color_family=vs.GRAY, subsampling_w=0, subsampling_h=0)
    blank = vs.core.std.BlankClip(clip, width=width, height=height, format=gray.id, keep=True)
    alpha = vs.core.std.ModifyFrame(blank, clip, partial(filled, gray, slice(3, 4)))
    return vs.core.std.ClipToProp(colours, alpha, "_Alpha")
