"""The command as Windows or macOS would run it, on Linux: without what only Linux or POSIX has.

    python -m tests.other_system win32 upscale input.mp4 output.mkv
    python -m tests.other_system darwin import

What the package stands on is loaded as it is; then the system's name changes, what that system lacks is
hidden, and the package is loaded anew. Paths, processes and descriptors stay those of Linux.
"""

import importlib
import os
import pkgutil
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import filelock

POSIX_ONLY = ("fcntl", "termios", "resource", "pwd", "grp", "tty", "pty", "posix", "syslog")
ABSENT: dict[str, dict[Any, tuple[str, ...]]] = {
    "win32": {
        os: ("fork", "geteuid", "getuid", "killpg", "mkfifo", "sched_getaffinity", "set_blocking"),
        select: ("poll",),
        signal: ("SIGHUP", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "pthread_sigmask"),
    },
    "darwin": {os: ("sched_getaffinity", "pipe2", "O_DIRECT"), select: ("epoll",)},
}


CREATE_NEW_PROCESS_GROUP = 0x200


class WindowsPopen(subprocess.Popen[bytes]):
    """Takes what Popen takes on Windows, and ends a process without a signal.

    An encoder must be in a group of its own, or Ctrl-C in the console would reach it too.
    """

    def __init__(self, args: Any, *, creationflags: int = 0, **kwargs: Any) -> None:
        assert not {"process_group", "preexec_fn", "start_new_session"} & set(kwargs)
        assert creationflags == (CREATE_NEW_PROCESS_GROUP if "pipe:0" in args else 0)
        super().__init__(args, **kwargs)

    def kill(self) -> None:
        os.kill(self.pid, 9)


def modules() -> list[str]:
    import vs_espcn  # noqa: PLC0415 - loaded anew by each caller

    found = pkgutil.walk_packages(vs_espcn.__path__, "vs_espcn.")
    return [each.name for each in found if not each.name.endswith("__main__")]


def import_all(names: list[str]) -> None:
    for name in names:
        importlib.import_module(name)


def become(system: str) -> None:
    """Change the system's name, and hide what it lacks; from now on the package is loaded anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "vs_espcn"]:
        del sys.modules[name]
    for owner, names in ABSENT[system].items():
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)
    if system == "win32":
        for name in POSIX_ONLY:
            sys.modules[name] = None  # type: ignore[assignment]
        msvcrt = ModuleType("msvcrt")
        msvcrt.setmode = lambda fd, mode: mode  # type: ignore[attr-defined] # noqa: ARG005
        sys.modules["msvcrt"] = msvcrt
        os.O_BINARY = 0  # type: ignore[attr-defined]
        signal.SIGBREAK = signal.SIGTERM  # type: ignore[attr-defined]
        subprocess.CREATE_NEW_PROCESS_GROUP = CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined]
        subprocess.Popen = WindowsPopen  # type: ignore[misc]
        filelock.FileLock = filelock.SoftFileLock  # type: ignore[misc] # removes its file, as Windows' does
        shutil.which = lambda name, *_: name if Path(name).is_file() else None  # type: ignore[assignment]
    else:
        fcntl = importlib.import_module("fcntl")
        del fcntl.F_SETPIPE_SZ
    sys.platform = system


def main() -> None:
    system, command, *arguments = sys.argv[1:]
    names = modules()
    needed = [name for name in names if command == "import" or "training" not in name]
    without = (
        "vs_espcn.jetpack",
        "vs_espcn.evaluation",
        "vs_espcn.runtime.torch",
        "vs_espcn.runtime.tensorrt",
    )
    import_all([name for name in needed if command == "import" or not name.startswith(without)])
    become(system)
    if command == "import":
        import_all(names)
        return
    sys.argv = ["vs-espcn", command, *arguments]
    importlib.import_module("vs_espcn.cli").main()


if __name__ == "__main__":
    main()
