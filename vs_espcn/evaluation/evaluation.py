"""Run one evaluation: measure, then write tables, plot and picture."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from vs_espcn.encoding.side_by_side import png
from vs_espcn.errors import InputError
from vs_espcn.evaluation import report
from vs_espcn.evaluation.images import read_folders, score_images
from vs_espcn.evaluation.kernel_scores import find_kernels
from vs_espcn.evaluation.methods import choose
from vs_espcn.evaluation.picture import draw_methods
from vs_espcn.evaluation.plot import check_installed, plot_over_time
from vs_espcn.evaluation.scores import Score
from vs_espcn.evaluation.video import score_clips
from vs_espcn.file_writing import check_destinations, write
from vs_espcn.runtime.backends import Backend

DEFAULT_RATES = (18, 23, 28)
"""x264's crf: visually lossless, its default, and small."""

Watch = Callable[[Iterable[Score]], Iterable[Score]]
"""Hands scores on as they come, and may show how many there are."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What to measure, and which files to write.

    Attributes:
        folders: Folders of original images.
        clips: Original clips.
        scales: Scales. Empty: those of `networks` and `checkpoint`; without these 2, 3 and 4.
        methods: Names of resizers and shipped networks; empty for all.
        networks: ONNX files to measure as well.
        checkpoint: A training checkpoint to measure as well, in PyTorch.
        backend: Where networks run; None for the best backend of this machine.
        frames: Number of frames to measure from each clip's start; None for all.
        rates: Values of crf at which x264 compresses the clips.
        kernels: Names of the kernels that reduce the originals; empty for the literature's bicubic.
        markdown: File for the tables.
        csv: File for every score.
        plot: PNG file for the clips' PSNR over time.
        picture: Image from which `crops` are shown.
        crops: The areas, ``WxH`` or ``WxH+X+Y``; empty for the whole image.
        picture_out: PNG file for `picture`.
    """

    folders: tuple[Path, ...] = ()
    clips: tuple[Path, ...] = ()
    scales: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()
    networks: tuple[Path, ...] = ()
    checkpoint: Path | None = None
    backend: Backend | None = None
    frames: int | None = None
    rates: tuple[int, ...] = DEFAULT_RATES
    kernels: tuple[str, ...] = ()
    markdown: Path | None = None
    csv: Path | None = None
    plot: Path | None = None
    picture: Path | None = None
    crops: tuple[str, ...] = ()
    picture_out: Path | None = None


def run_evaluation(request: Evaluation, watch: Watch) -> str:
    """Measure, and write the requested files.

    Args:
        request: What to measure and to write.
        watch: Receives the scores and yields each of them, for example to show progress.

    Returns:
        The tables in Markdown; empty if only a picture was requested.

    Raises:
        InputError: Something in `request` cannot be used, or a file cannot be written.
        BackendError: A network cannot run.
        EncodeError: ffmpeg is missing or failed.
    """
    _check(request)
    methods, scales = choose(
        request.methods, request.networks, request.checkpoint, request.scales, request.backend
    )
    if request.picture and request.picture_out:
        write(request.picture_out, png(draw_methods(request.picture, request.crops, methods, scales)))
    kernels = find_kernels(request.kernels)
    of_images = list(watch(score_images(read_folders(request.folders, scales), methods, scales, kernels)))
    of_clips = list(
        watch(
            score_clips(
                request.clips, methods, scales, frames=request.frames, rates=request.rates, kernels=kernels
            )
        )
    )
    tables = "\n\n".join(
        [
            *([report.markdown_of_images(of_images)] if of_images else []),
            *([report.markdown_of_clips(of_clips)] if of_clips else []),
        ]
    )
    if request.markdown:
        write(request.markdown, f"{tables}\n".encode())
    if request.csv:
        write(request.csv, report.to_csv([*of_images, *of_clips]).encode())
    if request.plot:
        write(request.plot, plot_over_time(of_clips))
    return tables


def _check(request: Evaluation) -> None:
    if not (request.folders or request.clips or request.picture):
        raise InputError("nothing to measure; give folders of images, --video CLIP or --picture IMAGE")
    if bool(request.picture) != bool(request.picture_out):
        raise InputError("--picture and --picture-out belong together: an image, and the PNG file to write")
    if request.crops and not request.picture:
        raise InputError("--crop cuts parts out of --picture; give that too")
    if request.plot and not request.clips:
        raise InputError("--plot shows clips over time; give --video CLIP too")
    if request.plot:
        check_installed()
    check_destinations([request.markdown, request.csv, request.plot, request.picture_out])
