"""Upscale one film on several processes or machines, with Ray ({extra_hint('cluster')}).

    scripts/cluster.py film.mkv big.mkv --backend tensorrt                  # this machine, a process per GPU
    scripts/cluster.py film.mkv big.mkv --backend tensorrt --address auto   # the cluster that it belongs to

Every segment of the film is a task. One whose process or machine is lost is run again elsewhere. At the end
the segments are joined without encoding anything again, and sound and all the rest come from the source. A
run that was killed goes on, with the same command, after the segments that are finished.

All machines need the same versions of vs-espcn and ffmpeg, and see both files' folders under the same names.
The one where this is started opens the film with the same backend; so for GPUs it has one too.
"""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from vs_espcn import logs
from vs_espcn.commands import cli_options, file_upscaling
from vs_espcn.commands.ffmpeg_arguments import CommandWithTail, ffmpeg_args
from vs_espcn.commands.libraries import load_libraries
from vs_espcn.console import JobProgress, exit_at_once
from vs_espcn.encoding.segment_folder import segment_path
from vs_espcn.encoding.segments import SEGMENT_FRAMES, encode_in_segments, encode_segment
from vs_espcn.errors import EncodeError, EspcnError, InputError, extra_hint
from vs_espcn.runtime.backends import OpenVINO

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anyone
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # `uv run` has the workers copy this folder
if not any(argument.partition("=")[0] == "--address" for argument in sys.argv[1:]):
    # Ray listens on every address of this machine. Without a token, whoever reaches it may run code here.
    # It reads these when it is imported. A cluster that runs already has a token of its own, or none.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if os.environ["RAY_AUTH_MODE"] == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
try:
    import ray
except ImportError as missing:
    sys.exit(f"cluster.py: cannot import ray: {missing}; {extra_hint('cluster')}")

_RETRIES = 3
"""How often a segment is begun again after its process was lost."""


@ray.remote(max_retries=_RETRIES)
def encode(
    request: file_upscaling.UpscaleRequest, source: Path, folder: Path, segment: range, suffix: str
) -> None:
    """Encode one segment, in a process of Ray's."""
    path = segment_path(folder, segment)
    if path.exists():  # the process was lost after its work was done
        return
    with exit_at_once():
        load_libraries()
    _, encode_plan = file_upscaling.plan_file(request, source, path.with_suffix(suffix), JobProgress())
    encode_segment(encode_plan, segment, path)


def resources(cpus: float | None, gpus: float) -> dict[str, float]:
    """Resources of a task: by default a machine's cores, or a GPU and its share of them.

    Raises:
        InputError: No machine has as much; the tasks would wait for ever.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    able = [each for each in machines if each.get("CPU", 0) >= (cpus or 1) and each.get("GPU", 0) >= gpus]
    if not able:
        raise InputError(
            f"no machine of the cluster has {cpus or 1:g} cores and {gpus:g} GPUs; "
            "ask for fewer with --cpus and --gpus, or see what there is with `ray status`"
        )
    if cpus is None:
        tasks = [each["GPU"] // gpus if gpus else 1 for each in able]
        cpus = min(each["CPU"] // count for each, count in zip(able, tasks, strict=True))
    return {"num_cpus": max(cpus, 1), "num_gpus": gpus}


def on_cluster(
    request: file_upscaling.UpscaleRequest,
    claim: Mapping[str, float],
    source: Path,
    suffix: str,
    folder: Path,
    segments: Sequence[range],
) -> Iterator[range]:
    """Encode segments on the cluster, and yield each when it is finished."""
    task = encode.options(**claim)
    running = {task.remote(request, source, folder, segment, suffix): segment for segment in segments}
    try:
        while running:
            [done], _ = ray.wait(list(running))
            ray.get(done)
            yield running.pop(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, EspcnError) else error from None
    except ray.exceptions.RayError as error:
        raise EncodeError(
            f"the processes of one segment were lost {_RETRIES + 1} times, at last: {error}; "
            "the same command goes on after the segments that are finished"
        ) from None
    finally:
        for each in running:
            ray.cancel(each, force=True)


_Film = Annotated[Path, typer.Argument(metavar="INPUT", help="The video.")]
_Output = Annotated[Path, typer.Argument(metavar="OUTPUT [-- FFMPEG ARGS]", help="The file to write.")]
_SegmentFrames = Annotated[int, typer.Option(min=1, help="Frames of a segment.")]
_Address = Annotated[str, typer.Option(help="Address of a Ray cluster; auto finds it.")]
_Cpus = Annotated[
    float | None, typer.Option(min=0.1, help="Cores per segment. Default: a machine's, or a GPU's share.")
]
_Gpus = Annotated[
    float | None, typer.Option(min=0, help="GPUs per segment. Default: 1 with tensorrt and torch.")
]


@cli_options.takes_filter_options
def main(
    context: typer.Context,
    film: _Film,
    output: _Output,
    *,
    filter_options: cli_options.FilterOptions,
    preset: cli_options.Preset = None,
    segment_frames: _SegmentFrames = SEGMENT_FRAMES,
    address: _Address = "local",
    cpus: _Cpus = None,
    gpus: _Gpus = None,
) -> None:
    """Upscale one film on several processes or machines."""
    with exit_at_once():
        chosen = filter_options.checked()
    if gpus is None:
        gpus = 0 if chosen.backend is None or isinstance(chosen.backend, OpenVINO) else 1
    request = file_upscaling.UpscaleRequest(
        filter=chosen,
        preset=preset,
        ffmpeg_args=ffmpeg_args(context),
        resume=True,
    )
    with JobProgress() as progress:
        film, output = film.absolute(), output.absolute()
        # Workers get the network that was chosen here: theirs may be faster machines or slower ones.
        request, encode_plan = file_upscaling.plan_file(request, film, output, progress)
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        claim = resources(cpus, gpus)
        progress.start(encode_plan.clip.num_frames, float(encode_plan.clip.fps))
        encode_in_segments(
            encode_plan,
            settings=request.settings,
            length=segment_frames,
            elsewhere=lambda folder, missing: on_cluster(
                request, claim, film, output.suffix, folder, missing
            ),
            on_done=progress.skip,
            on_frame=progress.frame,
        )
        progress.done()


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(cls=CommandWithTail)(main)
    with logs.on_stderr():
        try:
            app()
        except EspcnError as problem:
            logs.show_error(problem)
            sys.exit(1)
