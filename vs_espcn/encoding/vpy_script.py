"""VapourSynth scripts, run in this process."""

import runpy
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

import vapoursynth as vs

from vs_espcn.errors import InputError


def open_script(path: Path, arguments: Mapping[str, str], *, output: int = 0) -> vs.VideoNode:
    """Run a script as vspipe does, and return one of its outputs.

    Args:
        path: The script.
        arguments: Global variables for it, as from vspipe's ``--arg``.
        output: Index of the output.

    Raises:
        InputError: The script cannot be read, fails, or has no such video output.
    """
    try:
        with chdir(path.parent):  # as vspipe does, so that names in a script are relative to it
            # VSScript's name for the module, which scripts look at.
            runpy.run_path(path.name, init_globals=dict(arguments), run_name="__vapoursynth__")
    except OSError as error:
        raise InputError(f"SCRIPT {str(path)!r}: {error}") from None
    except (Exception, SystemExit) as error:
        raise InputError(f"SCRIPT {str(path)!r} failed: {type(error).__name__}: {error}") from None
    found = vs.get_outputs().get(output)
    if not isinstance(found, vs.VideoOutputTuple):
        raise InputError(
            f"SCRIPT {str(path)!r} has no video output {output}; end it with clip.set_output({output or ''})"
        )
    return found.clip
