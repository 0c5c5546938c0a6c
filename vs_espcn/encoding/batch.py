"""Outputs for many files and folders."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from vs_espcn.encoding.containers import CONTAINERS
from vs_espcn.errors import InputError

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".avi", ".divx", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"}
    | {".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)
"""Suffixes of videos in a folder, in lower case. A file that is named itself may have any suffix."""


def outputs_for(inputs: Sequence[Path], folder: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Pair every video with its output.

    Args:
        inputs: Files and folders. Of a folder, all videos in it and in its
            subfolders are taken, except hidden ones.
        folder: Folder of the outputs, which keep the inputs' names and subfolders.
        suffix: Suffix of the outputs.

    Returns:
        Input and output of each, in the order of the inputs and sorted within a folder.

    Raises:
        InputError: An input doesn't exist, a folder has no video, the suffix is
            unknown, or two videos would have the same output.
    """
    if suffix.lower() not in CONTAINERS:
        raise InputError(f"suffix {suffix!r} is not known; choose one of {', '.join(CONTAINERS)}")
    pairs: dict[Path, Path] = {}
    for path in inputs:
        for video, name in _videos(path, folder):
            output = folder / name.with_suffix(suffix)
            other = pairs.setdefault(output, video)
            if other != video:
                raise InputError(
                    f"INPUT {str(other)!r} and {str(video)!r} would both become {str(output)!r}; "
                    "rename one, or upscale them into different folders"
                )
    return [(video, output) for output, video in pairs.items()]


def _videos(path: Path, folder: Path) -> Iterable[tuple[Path, Path]]:
    """List the videos of an input, each with its path below `folder`."""
    if not path.is_dir():
        if not path.exists():
            raise InputError(f"INPUT {str(path)!r} does not exist")
        return [(path, Path(path.name))]
    outputs = folder.resolve()
    names = sorted(
        video.relative_to(path)
        for video in path.rglob("*")
        if video.suffix.lower() in VIDEO_SUFFIXES and video.is_file()
    )
    found = [
        (path / name, name)
        for name in names
        if not any(part.startswith(".") or part.endswith(".segments") for part in name.parts)
        and (outputs == path.resolve() or outputs not in (path / name).resolve().parents)
    ]
    if not found:
        raise InputError(f"INPUT {str(path)!r} is a folder without videos")
    return found
