"""Write the files of a training run."""

from pathlib import Path

from vs_espcn.errors import TrainingError
from vs_espcn.file_writing import replace_file


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a crash or a full disk leaves the previous one intact.

    Args:
        path: File to write; its folder is created if missing.
        content: The whole content.

    Raises:
        TrainingError: The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise TrainingError(
            f"cannot write {path} ({error.strerror}); free space or choose another place,"
            " then run again with --resume"
        ) from error
