"""Upscaling of files on the command line, with progress and clean exits on signals."""

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vs_espcn.commands.network_choice import report_run, with_network_chosen
from vs_espcn.console import JobProgress, exit_at_once, exit_in_order
from vs_espcn.errors import EspcnError, InputError
from vs_espcn.logs import console_logger
from vs_espcn.networks.registry import load_network, of_network

if TYPE_CHECKING:
    import vapoursynth as vs

    from vs_espcn.encoding.deinterlace import FieldRate
    from vs_espcn.encoding.encode_plan import EncodePlan
    from vs_espcn.encoding.output_target import OutputTarget
    from vs_espcn.encoding.source import ClipSource
    from vs_espcn.filter.auto_network import NetworkChoice
    from vs_espcn.filter.options import UpscaleOptions


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """Options of `vs-espcn upscale` for any number of files.

    Attributes:
        filter: Options of `vs_espcn.upscale`.
        deinterlace: How an interlaced source is deinterlaced; None for a progressive one.
        start: Time of the first frame, as it was typed.
        end: Time at which the part ends, as it was typed.
        frames: Largest number of frames.
        preset: Name of an encoder preset.
        ffmpeg_args: Output options for ffmpeg.
        overwrite: Whether an output may be replaced.
        resume: Encode in segments, and continue after the finished ones.
        dry_run: Print the command instead of running it.
    """

    filter: "UpscaleOptions"
    deinterlace: "FieldRate | None" = None
    start: str | None = None
    end: str | None = None
    frames: int | None = None
    preset: str | None = None
    ffmpeg_args: Sequence[str] = ()
    overwrite: bool = False
    resume: bool = False
    dry_run: bool = False

    @property
    def settings(self) -> dict[str, str]:
        """Every option that changes the frames, as text; options that are None are left out."""
        values = {option.name: getattr(self.filter, option.name) for option in fields(self.filter)}
        values["deinterlace"] = self.deinterlace
        if self.filter.criteria is None:  # a name stays the same when its file is replaced
            models = (load_network(spec.path) for spec in of_network(str(self.filter.network)))
            values["weights"] = [
                hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest() for model in models
            ]
        return {name: repr(value) for name, value in values.items() if value is not None}


def upscale_file(request: UpscaleRequest, source: Path, output: Path) -> None:
    """Upscale one file, or print how it would be encoded.

    Raises:
        EspcnError: It could not be done; nothing is left at `output`.
    """
    from vs_espcn.encoding.encode import command
    from vs_espcn.encoding.segments import commands

    with JobProgress() as progress:
        request, encode_plan = plan_file(request, source, output, progress)
        if request.dry_run:
            for line in commands(encode_plan) if request.resume else [command(encode_plan)]:
                typer.echo(_as_typed(line))
            return
        _encode(request, encode_plan, progress)
        progress.done()


def _as_typed(command: Sequence[str]) -> str:
    """Quote a command for this system's shell."""
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def plan_file(
    request: UpscaleRequest, source: Path, output: Path, progress: JobProgress
) -> "tuple[UpscaleRequest, EncodePlan]":
    """Open a file and plan its encode.

    Returns:
        The request with its network chosen, from which another process plans
        the same; and the plan.

    Raises:
        EspcnError: It cannot be done.
    """
    from vs_espcn.encoding.encode_plan import plan_encode
    from vs_espcn.encoding.output_target import check_output

    with exit_in_order():
        destination = check_output(source, output, overwrite=request.overwrite)
    with exit_at_once():
        request, choice, opened, clip = _open(
            request, source, progress, destination, keeps_rotation=destination.keeps_rotation
        )
        encode_plan = plan_encode(
            clip, destination, opened, preset=request.preset, ffmpeg_args=request.ffmpeg_args
        )
    report_run(request.filter, opened.clip, choice, encode_plan.encoder)
    for note in encode_plan.notes:
        progress.note(note)
    return request, encode_plan


def _encode(request: UpscaleRequest, encode_plan: "EncodePlan", progress: JobProgress) -> None:
    """Encode with progress, in one piece or in segments."""
    from vs_espcn.encoding.encode import encode
    from vs_espcn.encoding.segments import encode_in_segments

    progress.start(encode_plan.clip.num_frames, float(encode_plan.clip.fps))
    with exit_in_order() as leave_if_told:

        def on_frame(number: int) -> None:
            leave_if_told()
            progress.frame(number)

        if request.resume:
            encode_in_segments(
                encode_plan, settings=request.settings, on_done=progress.skip, on_frame=on_frame
            )
        else:
            encode(encode_plan, on_frame=on_frame)


def preview_file(request: UpscaleRequest, source: Path, output: Path, count: int) -> None:
    """Write a contact sheet or a page of one file, of at most `count` frames.

    Raises:
        EspcnError: It could not be done; nothing is left at `output`.
    """
    from vs_espcn.encoding import preview
    from vs_espcn.encoding.comparison_page import comparison_page
    from vs_espcn.encoding.output_target import check_writable
    from vs_espcn.encoding.side_by_side import png, write_whole

    suffix = output.suffix.lower()
    if suffix not in {".png", ".html"}:
        raise InputError(f"OUTPUT {str(output)!r} is a preview; give it the suffix .png or .html")
    with JobProgress() as progress:
        with exit_in_order():
            path = check_writable(source, output, overwrite=request.overwrite)
        with exit_at_once():
            request, choice, opened, clip = _open(request, source, progress, keeps_rotation=False)
            report_run(request.filter, opened.clip, choice, None)
            numbers = preview.frames_across(clip.num_frames, count)
            if suffix == ".html":
                pictures = preview.preview_pictures(opened.clip, clip, numbers)
                data = comparison_page(source.name, pictures).encode()
            else:
                data = png(preview.contact_sheet(opened.clip, clip, numbers))
        with exit_in_order():
            write_whole(data, path, overwrite=request.overwrite)


def upscale_image(request: UpscaleRequest, source: Path, output: Path) -> None:
    """Upscale an image into a PNG file, of its depth and with its alpha.

    Raises:
        EspcnError: It could not be done; nothing is left at `output`.
    """
    from vs_espcn.encoding.output_target import check_writable
    from vs_espcn.encoding.png_file import png_file
    from vs_espcn.encoding.side_by_side import write_whole

    with JobProgress() as progress:
        with exit_in_order():
            path = check_writable(source, output, overwrite=request.overwrite)
        with exit_at_once():
            request, choice, opened, clip = _open(
                request, source, progress, keeps_rotation=False, is_piped=False
            )
        if clip.num_frames > 1:
            raise InputError(
                f"OUTPUT {str(output)!r} is one picture, and INPUT has {clip.num_frames} frames; "
                "choose one with --start and --frames 1, or look at several with --preview"
            )
        report_run(request.filter, opened.clip, choice, "png")
        with exit_in_order():
            write_whole(png_file(clip), path, overwrite=request.overwrite)


def _is_one_file(path: Path, other: Path) -> bool:
    """Tell whether two names lead to one file; False if one of them is not there (any more)."""
    with suppress(OSError):
        return path.samefile(other)
    return False


def upscale_all(request: UpscaleRequest, pairs: Sequence[tuple[Path, Path]]) -> bool:
    """Upscale files one after another; one that fails doesn't stop the others.

    Args:
        request: What is asked for.
        pairs: Inputs and outputs. An output that exists counts as done, unless
            it may be replaced.

    Returns:
        True if no file failed.
    """
    results: list[tuple[str, Path]] = []
    for number, (source, output) in enumerate(pairs, start=1):
        if any(result == "done" and _is_one_file(output, made) for result, made in results):
            # Their names differ by case, or by how an accent is written, and the file system takes no notice.
            console_logger.error("%s would replace what was just made; rename it, or its source", output)
            results.append(("failed", source))
            continue
        if output.is_file() and not request.overwrite:
            results.append(("was there", output))
            continue
        console_logger.info("%d of %d: %s", number, len(pairs), source)
        try:
            with _folder(output.parent, stays=not request.dry_run):
                upscale_file(request, source, output)
        except EspcnError as error:
            console_logger.error("%s", error)
            results.append(("failed", source))
        except OSError as error:
            console_logger.error("folder %r cannot be made: %s", str(output.parent), error.strerror)
            results.append(("failed", source))
        else:
            results.append(("planned" if request.dry_run else "done", output))
    for result, path in results:
        console_logger.info("%-9s  %s", result, path, extra={"fields": {"result": result, "path": str(path)}})
    return all(result != "failed" for result, _ in results)


@contextmanager
def _folder(path: Path, *, stays: bool) -> Iterator[None]:
    """Make a folder if it is missing, and remove it again unless it stays."""
    made = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for each in [] if stays else made:
            each.rmdir()


def _open(
    request: UpscaleRequest,
    path: Path,
    progress: JobProgress,
    destination: "OutputTarget | None" = None,
    *,
    keeps_rotation: bool,
    is_piped: bool = True,
) -> "tuple[UpscaleRequest, NetworkChoice | None, ClipSource, vs.VideoNode]":
    """Open and upscale: the request with its network, the reason for it, the source, and the result."""
    import vapoursynth as vs

    from vs_espcn.encoding.alpha import has_alpha
    from vs_espcn.encoding.deinterlace import deinterlace
    from vs_espcn.encoding.interlacing import check_progressive
    from vs_espcn.encoding.odd_size import upscale_picture
    from vs_espcn.encoding.pixel_format import encodable
    from vs_espcn.encoding.source import open_source
    from vs_espcn.encoding.source_kind import lossless_codec
    from vs_espcn.encoding.trim import frames_between, parse_time, trim
    from vs_espcn.filter.vs_errors import last_line

    # A width or height is that of the picture as it is shown.
    sized = request.filter.width is not None or request.filter.height is not None
    opened = open_source(path, turn_upright=sized or not keeps_rotation, on_index=progress.indexing)
    if request.deinterlace:
        opened = deinterlace(opened, request.deinterlace)
    start, end = (parse_time(time) if time else None for time in (request.start, request.end))
    frames = frames_between(opened, start, end, request.frames)
    if not request.deinterlace:
        with exit_in_order():
            check_progressive(opened, frames)
    opened = trim(opened, frames)
    if destination and has_alpha(opened.clip):
        opened = _without_lost_alpha(request, opened, destination, progress)
    converted, note = encodable(opened.clip) if is_piped else (opened.clip, None)
    if note:
        progress.note(note)
        opened = replace(opened, clip=converted)
    try:
        chosen, choice = with_network_chosen(request.filter, opened.clip, lossless=lossless_codec(opened))
        upscaled = upscale_picture(opened.clip, opened.picture, chosen)
        return replace(request, filter=chosen), choice, opened, upscaled
    except vs.Error as error:
        raise InputError(last_line(error)) from None


def _without_lost_alpha(
    request: UpscaleRequest, source: "ClipSource", destination: "OutputTarget", progress: JobProgress
) -> "ClipSource":
    """Return the source without its alpha planes if they hide nothing or the output cannot hold them."""
    import vapoursynth as vs

    from vs_espcn.encoding.alpha import has_opaque_palette
    from vs_espcn.encoding.video_encoder import alpha_options_of

    if not has_opaque_palette(source):
        if alpha_options_of(destination, request.preset, request.ffmpeg_args) is not None:
            return source
        progress.note(
            f"alpha is left out, since the encoder in {destination.path.suffix} does not keep it; "
            "ProRes (--preset prores), FFV1 (--preset ffv1) and VP9 in .webm or .mkv do"
        )
    return replace(source, clip=vs.core.std.RemoveFrameProps(source.clip, ["_Alpha"]))
