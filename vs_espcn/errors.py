"""The errors that vs_espcn raises deliberately.

    EspcnError
    ├── InputError      an argument, clip, file or checkpoint that cannot be used
    ├── BackendError    no backend can run here, or the chosen one failed
    │   └── RuntimeMissingError   the backend's library cannot be loaded
    ├── EncodeError     ffmpeg could not be started, failed, or wrote too little
    └── TrainingError   a training run that cannot go on

Each text names the bad value, what is accepted and the fix. The command line
prints it on one line. Errors of the filter are an `EspcnError` and a
``vapoursynth.Error`` at once; their text begins with ``vs_espcn:``.
"""


class EspcnError(Exception):
    """Base of every error that this package raises deliberately. Its text is one line."""

    def __init__(self, message: str) -> None:
        # Texts of other libraries, quoted in ours, often run over several lines.
        super().__init__(" ".join(message.split()))


class InputError(EspcnError):
    """An argument, clip, file or checkpoint that cannot be used as given."""


class BackendError(EspcnError):
    """No backend can run here, or the chosen backend failed."""


class RuntimeMissingError(BackendError):
    """The library behind a backend cannot be loaded in this process."""


class EncodeError(EspcnError):
    """ffmpeg could not be started, failed, or wrote fewer frames than it got."""


class TrainingError(EspcnError):
    """A training run that cannot go on (for example, the loss became NaN)."""


def extra_hint(extra: str) -> str:
    """Say how to install an extra of this package; no package index has the package yet.

    Example:
        >>> raise InputError(f"PyTorch is not installed; {extra_hint('train')}")
    """
    return f"in a clone of vs-espcn, run `uv sync --extra {extra}` or `python -m pip install '.[{extra}]'`"
