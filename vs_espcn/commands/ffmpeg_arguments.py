"""Commands that pass the arguments after ``--`` to ffmpeg."""

import re
import shlex
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand

_KEY = "vs_espcn.ffmpeg_args"


class CommandWithTail(TyperCommand):
    """A command with file names, then ``--`` and options of ffmpeg.

    Where nothing but options stand before the first ``--``, it only says that
    file names follow, which may begin with a dash; options of ffmpeg follow
    after a second one.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - not public
        """Set the arguments after ``--`` aside, then parse the others."""
        head, tail = _split(args)
        _check_no_ffmpeg_options(head)
        if tail is not None and not self._has_names(ctx, head):
            names, tail = _split(tail)
            head = [*head, "--", *names]
        ctx.meta[_KEY] = tail or []
        return list(super().parse_args(ctx, head))

    def _has_names(self, ctx: Any, head: list[str]) -> bool:  # noqa: ANN401
        values, _, _ = self.make_parser(ctx).parse_args(list(head))
        return any(values.get(param.name) for param in self.params if param.param_type_name == "argument")


def ffmpeg_args(context: typer.Context) -> list[str]:
    """Return the arguments after ``--``.

    Raises:
        typer.BadParameter: It doesn't begin with an option; ffmpeg would take it
            for the name of a file.
    """
    found: list[str] = context.meta[_KEY]
    if found and not found[0].startswith("-"):
        raise typer.BadParameter(f"unexpected argument {found[0]!r}; options for ffmpeg follow after --")
    return found


_OWN = re.compile(r"-[vqy]+|-o.*|-")
_SHORT = re.compile(r"-[A-Za-z][\w:.+-]*")


def _check_no_ffmpeg_options(head: list[str]) -> None:
    """Refuse options of ffmpeg before ``--``, and say where they belong.

    Raises:
        typer.BadParameter: One does.
    """
    found: list[str] = []
    for argument, after in pairwise([*head, "--"]):
        if _SHORT.fullmatch(argument) and not _OWN.fullmatch(argument):
            found += [argument, *([] if after.startswith("-") else [after])]
    if found[:1] == ["-i"]:
        raise typer.BadParameter("INPUT and OUTPUT are given without -i")
    if found:
        raise typer.BadParameter(
            f"{found[0]} is not an option of vs-espcn; those of ffmpeg follow at the end after --, "
            f"as in: -- {shlex.join(found)}"
        )


def _split(args: list[str]) -> tuple[list[str], list[str] | None]:
    """Split at the first ``--``; the second part is None if there is none."""
    if "--" not in args:
        return args, None
    place = args.index("--")
    return args[:place], args[place + 1 :]
