"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from vs_espcn.errors import TrainingError


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a crash or a full disk leaves the previous one whole.

    Args:
        path: File to write; its folder is made where it is missing.
        content: All of it.

    Raises:
        TrainingError: The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TrainingError(
            f"cannot write {path} ({error.strerror}); free space or choose another place,"
            " then run again with --resume"
        ) from error
