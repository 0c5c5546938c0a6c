"""Entry point of the command line, also as ``python -m vs_espcn``."""

import signal


def main() -> None:
    """Load the command line and run it; while it loads, Ctrl-C ends the process on the spot."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from vs_espcn import cli, console  # noqa: PLC0415 - takes long enough to be interrupted

    signal.signal(signal.SIGINT, handler)
    try:
        cli.main()
    finally:
        console.ignore_signals()


if __name__ == "__main__":
    main()
