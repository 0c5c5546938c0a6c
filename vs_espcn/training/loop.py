"""The training loop."""

from collections.abc import Callable

from vs_espcn.training.run import Progress, Run
from vs_espcn.training.settings import Settings

_REPORT_EVERY = 50  # steps between two reports


def train(settings: Settings, report: Callable[[Progress], None]) -> Progress:
    """Train a network and export it each time validation improves.

    Args:
        settings: What is asked.
        report: Called every 50 steps and after each validation.

    Returns:
        Where the run ended.

    Raises:
        InputError: Settings, images or checkpoint cannot be used.
        TrainingError: The loss is no longer finite, or a file cannot be written.
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
