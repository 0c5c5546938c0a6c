"""``vs-espcn flags``."""

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from vs_espcn.commands.libraries import load_openvino
from vs_espcn.errors import InputError


def flags(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A VapourSynth script.")],
    *,
    arg: Annotated[
        list[str] | None,
        typer.Option(help="Set a variable of the script; may be repeated.", metavar="NAME=VALUE"),
    ] = None,
    output: Annotated[int, typer.Option(min=0, help="Index of the script's output.")] = 0,
    only: Annotated[
        Literal["ffmpeg", "ffmpeg-output", "x264", "x265"] | None,
        typer.Option("--for", help="Print one program's options only, for use in a command."),
    ] = None,
) -> None:
    """Print the options that tell ffmpeg, x264 and x265 a script's colour, siting, aspect and rate."""
    import os

    from vs_espcn.console import reserve_stdout

    arguments = dict(_argument(each) for each in arg or ())
    stdout = reserve_stdout(for_video=False)  # whatever the script prints goes to stderr
    load_openvino()
    import vapoursynth as vs

    from vs_espcn.encoding.colour_args import ffmpeg_args, x264_args, x265_args
    from vs_espcn.encoding.vpy_script import open_script

    clip = open_script(script, arguments, output=output)
    try:
        options = {
            "ffmpeg": ffmpeg_args(clip),
            "ffmpeg-output": ffmpeg_args(clip, "output"),
            "x264": x264_args(clip),
            "x265": x265_args(clip),
        }
    except vs.Error as error:
        raise InputError(str(error).removeprefix("vs_espcn: ")) from None
    shown = {only: options[only]} if only else options
    lines = [shlex.join(words) if only else f"{name}: {shlex.join(words)}" for name, words in shown.items()]
    os.write(stdout, "".join(f"{line}\n" for line in lines).encode())


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InputError(f"--arg {text!r} is not understood; give it like source=input.mp4")
    return name, value
