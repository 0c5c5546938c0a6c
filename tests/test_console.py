import signal
import weakref
from collections.abc import Iterator

import pytest

from vs_espcn import console, logs
from vs_espcn.console import JobProgress, exit_at_once, exit_in_order


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        assert signal.getsignal(number) == handler
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_exits_with_its_code(number: int, code: int) -> None:
    with pytest.raises(SystemExit) as caught, exit_in_order():
        signal.raise_signal(number)
    assert caught.value.code == code


class Thing:
    pass


@pytest.mark.usefixtures("_handlers")
def test_a_signal_whose_exit_is_dropped_is_obeyed_at_the_next_call() -> None:
    thing = Thing()
    told = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
    with exit_in_order() as leave_if_told:
        leave_if_told()
        del thing  # the callback's exit goes nowhere
        assert told() is None
        with pytest.raises(SystemExit) as caught:
            leave_if_told()
    assert caught.value.code == 143


@pytest.mark.usefixtures("_handlers")
def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with exit_in_order():
        signal.raise_signal(signal.SIGHUP)
    with exit_at_once():
        signal.raise_signal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, before)


def test_without_a_terminal_progress_is_a_line_now_and_then(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    with logs.on_stderr(), JobProgress() as progress:
        progress.indexing(40)
        progress.note("something")
        progress.start(40, 25)
        for number in range(1, 41):
            now += 1
            progress.frame(number)
        progress.done()
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "vs-espcn: note: something",
        "vs-espcn: 10/40 frames, 1.0 fps, 0.04× realtime, 0:00:30 left",
        "vs-espcn: 20/40 frames, 1.0 fps, 0.04× realtime, 0:00:20 left",
        "vs-espcn: 30/40 frames, 1.0 fps, 0.04× realtime, 0:00:10 left",
        "vs-espcn: 40/40 frames, 1.0 fps, 0.04× realtime, 0:00:00 left",
        "vs-espcn: 40 frames in 0:00:40, 1.0 fps, 0.04× realtime",
    ]
