"""What TensorRT says, from any of its threads.

It calls a logger while other calls into it are under way, from threads of its
own too. Those threads only put the message into a queue, so that none of them
ever waits for a log handler; the thread that called TensorRT passes the
messages on to `logging` when its call is back.

A thread that logs still needs Python's lock. TensorRT's bindings let go of it
to build a plan, to make a context and to enqueue work, but hold it while they
load a plan from bytes: a thread of TensorRT's own that logs meanwhile would
hang. So plans are loaded with `max_threads` 1, which starts none.
"""

import logging
from queue import Empty, SimpleQueue
from threading import Lock, get_ident
from types import ModuleType
from typing import Any

_log = logging.getLogger(__name__)


class Messages:
    """TensorRT's messages of one flavour.

    Attributes:
        logger: What TensorRT is given.
    """

    def __init__(self, module: ModuleType) -> None:
        """Begin with none."""
        self._queue: SimpleQueue[tuple[int, int, str]] = SimpleQueue()
        self.logger = _make_logger(module, self._queue)
        self._lock = Lock()
        self._callers: set[int] = set()
        self._errors: dict[int, list[str]] = {}

    def begin(self) -> None:
        """Before a call: forget what this thread, and what TensorRT's own threads, said earlier."""
        self.pass_on()
        with self._lock:
            self._callers.add(get_ident())
            for thread in self._errors.keys() - (self._callers - {get_ident()}):
                del self._errors[thread]

    def pass_on(self) -> None:
        """Give what was said to `logging`, errors at INFO: they come up in ours."""
        while True:
            try:
                thread, level, text = self._queue.get_nowait()
            except Empty:
                return
            if level == logging.ERROR:
                with self._lock:
                    self._errors.setdefault(thread, []).append(text)
            _log.log(min(level, logging.INFO), "%s", text)

    def errors(self) -> list[str]:
        """The errors of this thread since `begin`, else of TensorRT's own threads."""
        self.pass_on()
        with self._lock:
            own = self._errors.pop(get_ident(), [])
            others = [texts for thread, texts in self._errors.items() if thread not in self._callers]
        return own or [text for texts in others for text in texts]


def _make_logger(module: ModuleType, queue: "SimpleQueue[tuple[int, int, str]]") -> Any:  # noqa: ANN401 - its class exists only once the library is imported
    severities = module.ILogger
    levels = {
        severities.INTERNAL_ERROR: logging.ERROR,
        severities.ERROR: logging.ERROR,
        severities.WARNING: logging.INFO,
        severities.INFO: logging.DEBUG,
        severities.VERBOSE: logging.DEBUG,
    }

    class Logger(module.ILogger):  # type: ignore[misc, name-defined]
        """Puts every message into the queue."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:  # noqa: ANN401 - TensorRT has no types
            """Take one message; called by TensorRT, from any thread."""
            queue.put((get_ident(), levels[severity], text))

    return Logger()
