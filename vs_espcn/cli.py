"""The command line: all commands, and what happens when one fails."""

import errno
import os
import sys
from typing import Annotated

import typer

import vs_espcn
from vs_espcn import logs
from vs_espcn.commands import (
    bench,
    compare,
    evaluate,
    export,
    flags,
    info,
    networks,
    pipe,
    plans,
    train,
    upscale,
)
from vs_espcn.commands.cli_options import takes_log_options
from vs_espcn.commands.ffmpeg_arguments import CommandWithTail
from vs_espcn.console import accept_all_text
from vs_espcn.errors import EspcnError, InputError

_WRITE_FAILED = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO")}
"""Of a file that stdout leads to; other files are written where their errors are caught and named."""

app = typer.Typer(
    name="vs-espcn",
    help="Upscale video with small neural networks.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vs-espcn {vs_espcn.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option("-v", "--verbose", count=True, help="Log what the library does; -vv adds details."),
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Log errors only.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log one JSON object per line.")] = False,
) -> None:
    del version  # its callback has acted
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.with_resource(logs.on_stderr(-1 if quiet else verbose, as_json=log_json))


app.command(cls=CommandWithTail, epilog=upscale.EXAMPLES)(takes_log_options(upscale.upscale))
for _command in (
    *(pipe.pipe, compare.compare, networks.networks, info.info, flags.flags, export.export),
    *(bench.bench, evaluate.evaluate, train.train, plans.build),
):
    app.command()(takes_log_options(_command))
app.add_typer(plans.cache_app, name="cache")


def main() -> None:
    """Run the command line; print the package's own errors, and a full disk, as one line; exit with 1."""
    accept_all_text()
    try:
        app()
    except EspcnError as error:
        logs.show_error(error)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _WRITE_FAILED or error.filename is not None:
            raise
        logs.show_error(InputError(f"stdout cannot be written: {error.strerror}"))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python's own flush at exit would fail once more
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
