"""The training loop."""

from collections.abc import Callable

from vs_espcn.training.run import Progress, Run
from vs_espcn.training.settings import Settings

_REPORT_EVERY = 50  # steps between two reports


def train(settings: Settings, report: Callable[[Progress], None]) -> Progress:
    """Train a network and export it each time validation improves.

    Args:
        settings: The settings of the run.
        report: Called every 50 steps and after each validation.

    Returns:
        The progress at the end of the run.

    Raises:
        InputError: Settings, images or checkpoint cannot be used.
        TrainingError: The loss is no longer finite, a file cannot be written, or ffmpeg failed.

    Example:
        >>> images, onnx, checkpoint = Path("images"), Path("mine_x2.onnx"), Path("mine_x2.ckpt")
        >>> train(Settings(scale=2, folders=(images,), output=onnx, checkpoint=checkpoint), print)
    """
    run = Run(settings)
    while not run.finished:
        run.advance()
        due = run.finished or run.step % settings.validate_every == 0
        if due or run.step % _REPORT_EVERY == 0:
            run.take_loss()
            if due:
                run.validate()
                run.save()
            report(run.progress())
    return run.progress()
