"""``vs-espcn pipe``."""

import os
import stat
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vs_espcn import logs
from vs_espcn.commands import cli_options
from vs_espcn.commands.network_choice import report_run, with_network_chosen
from vs_espcn.errors import InputError

if TYPE_CHECKING:
    import vapoursynth as vs

    from vs_espcn.filter.options import UpscaleOptions
    from vs_espcn.streaming.frame_scheduler import FrameCount
    from vs_espcn.streaming.y4m_pipe import Y4mStream
    from vs_espcn.streaming.y4m_reader import StoppableInput

_STDIN = 0


_Latency = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Frames processed at once. Default: the fewest that keep the engine busy; "
        "half a second of frames with --realtime.",
    ),
]
_Realtime = Annotated[
    Literal["resize", "skip"] | None,
    typer.Option(
        help="Never block the input: resize late frames with spline36 (resize), "
        "or repeat the frame before them (skip)."
    ),
]


@cli_options.takes_filter_options
def pipe(
    *,
    filter_options: cli_options.FilterOptions,
    latency: _Latency = None,
    realtime: _Realtime = None,
) -> None:
    """Upscale y4m from stdin to stdout, for example between two ffmpegs."""
    from vs_espcn.console import binary, end_with_reader, exit_at_once, reserve_stdout

    _check_stdin()
    stdout = reserve_stdout()
    end_with_reader()
    with exit_at_once():
        chosen = filter_options.checked()
        import vapoursynth as vs

        from vs_espcn.runtime.backends import lane_count
        from vs_espcn.streaming.y4m_pipe import Y4mStream
        from vs_espcn.streaming.y4m_reader import StoppableInput, Y4mReader

        stdin = StoppableInput(binary(_STDIN))
        reader = Y4mReader(stdin.stream, range_=chosen.range)
        chosen = replace(chosen, backend=chosen.runs_on, range=None)  # the reader sets each frame's range
        stream = Y4mStream(
            reader,
            partial(_upscaled, chosen),
            lanes=lane_count(chosen.runs_on, vs.core.num_threads),
            latency=latency,
            late=realtime,
        )
    _write(stream, stdout, stdin, realtime)


def _upscaled(options: "UpscaleOptions", clip: "vs.VideoNode") -> "vs.VideoNode":
    from vs_espcn.filter.upscale import upscale_with

    chosen, choice = with_network_chosen(options, clip)
    upscaled = upscale_with(clip, chosen)
    report_run(chosen, clip, choice, None)
    return upscaled


def _write(stream: "Y4mStream", stdout: int, stdin: "StoppableInput", realtime: str | None) -> None:
    """Write the stream until it ends or a signal comes, and report the result."""
    from vs_espcn.console import exit_in_order

    started = time.monotonic()
    with exit_in_order() as leave_if_told:
        try:
            stream.write(stdout, stop_reading=stdin.stop, on_frame=leave_if_told)
        except OSError as error:
            raise InputError(f"stdout cannot be written: {error.strerror}") from None
        finally:
            _sum_up(stream.count, time.monotonic() - started, realtime)


def _check_stdin() -> None:
    try:
        is_terminal = stat.S_ISCHR(os.fstat(_STDIN).st_mode) and os.isatty(_STDIN)
    except OSError:
        raise InputError("stdin is closed; pipe a y4m stream into it") from None
    if is_terminal:
        raise InputError(
            "stdin is a terminal; pipe a y4m stream into it, for example with "
            "ffmpeg -i INPUT -f yuv4mpegpipe - | vs-espcn pipe | ffmpeg -i - OUTPUT"
        )


def _sum_up(count: "FrameCount", seconds: float, realtime: str | None) -> None:
    late = ""
    if realtime:
        how = {"resize": "resized plainly", "skip": "skipped"}[realtime]
        late = f"; {count.late} of them came too fast and were {how}"
    logs.console_logger.info(
        "%d frames in %.1f s, %.1f fps%s",
        count.frames,
        seconds,
        count.frames / max(seconds, 1e-9),
        late,
        extra={"fields": {"frames": count.frames, "late": count.late}},
    )
