"""An output that can be written, checked before any work is done."""

from dataclasses import dataclass
from pathlib import Path

from vs_espcn.encoding.containers import Container, container_of
from vs_espcn.encoding.ffmpeg import Ffmpeg, find_ffmpeg
from vs_espcn.encoding.input_check import check_input
from vs_espcn.encoding.output_file import partial_file
from vs_espcn.errors import InputError


@dataclass(frozen=True, kw_only=True)
class OutputTarget:
    """An output that can be written.

    Attributes:
        path: The output, with symbolic links resolved.
        container: What its suffix stands for.
        ffmpeg: The ffmpeg that will write it.
        overwrite: Whether it may replace a file.
    """

    path: Path
    container: Container
    ffmpeg: Ffmpeg
    overwrite: bool

    @property
    def keeps_rotation(self) -> bool:
        """Whether a rotation tag of the source can be kept; else the picture must be turned."""
        return self.container.rotation and self.ffmpeg.writes_rotation


def check_output(source: Path, output: Path, *, overwrite: bool = False) -> OutputTarget:
    """Refuse what could not be written, before any work is done.

    Args:
        source: The file that will be read.
        output: The file to be written; its suffix chooses the container.
        overwrite: Whether it may replace a file.

    Raises:
        InputError: `source` is unusable, or `output` is a folder, the same file,
            exists without `overwrite`, has an unknown suffix, or cannot be
            written where it is.
        EncodeError: There is no usable ffmpeg.
    """
    path = check_writable(source, output, overwrite=overwrite)
    return OutputTarget(path=path, container=container_of(path), ffmpeg=find_ffmpeg(), overwrite=overwrite)


def check_writable(source: Path, output: Path, *, overwrite: bool) -> Path:
    """Refuse a file that could not be written, whatever goes into it.

    Returns:
        The output, with symbolic links resolved.

    Raises:
        InputError: As by `check_output`.
    """
    check_input(source)
    name = repr(str(output))
    try:
        output = output.resolve()
        if output.is_dir():
            raise InputError(f"OUTPUT {name} is a folder; give the name of a file")
        if output.exists():
            _check_replaceable(source, output, name, overwrite)
        # The one sure way to know that the folder can be written is to write in it.
        with partial_file(output):
            pass
    except OSError as error:
        raise InputError(f"OUTPUT {name} cannot be written: {error.strerror or error}") from None
    return output


def _check_replaceable(source: Path, output: Path, name: str, overwrite: bool) -> None:
    if output.samefile(source):
        raise InputError(f"OUTPUT {name} is the same file as INPUT; give another name")
    if not output.is_file():
        raise InputError(f"OUTPUT {name} is not a regular file; give the name of a file")
    if not overwrite:
        raise InputError(f"OUTPUT {name} exists; give another name, or --overwrite")
