"""Pools of PyTorch's memory, for what recorded graphs go on using."""

import ctypes
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock

import torch

from vs_espcn.errors import BackendError

_in_use = Lock()
_closed: list["TorchPool"] = []


class TorchPool:
    """The memory of one lane's intermediate results.

    A recorded graph goes on using it, so nothing else may get it. While a pool
    is in use, all that its thread allocates comes from it, and all programs
    compute on one thread: so one pool is in use at a time.
    """

    def __init__(self, index: int) -> None:
        """Make an empty pool on a GPU, or none where PyTorch refuses: its allocator may be another."""
        self._index = index
        self._memory: torch.cuda.MemPool | None = None
        self._use: AbstractContextManager[None] | None = None
        self._refusal: str | None = None
        try:
            with torch.cuda.device(index):
                self._memory = torch.cuda.MemPool()
        except RuntimeError as error:
            self._refusal = str(error)

    @staticmethod
    @contextmanager
    def one_at_a_time() -> Iterator[None]:
        """Let no other pool come into use, in any thread, and no closed one go."""
        try:
            with _in_use:
                yield
        finally:
            _let_closed_go()

    def enter(self) -> None:
        """Have this thread's allocations come from the pool; call it within `one_at_a_time`.

        Raises:
            BackendError: PyTorch refuses.
        """
        if not self.enter_if_allowed():
            raise BackendError(f"PyTorch has no memory pool for it: {self._refusal}")

    def enter_if_allowed(self) -> bool:
        """As `enter`; returns False where PyTorch refuses, as frames that are not recorded need no pool."""
        if self._memory is None or self._refusal is not None:
            return False
        use = torch.cuda.use_mem_pool(self._memory, self._index)
        try:
            use.__enter__()
        except RuntimeError as error:
            self._refusal = str(error)  # the memory stays until `close`: the GPU may have failed
            return False
        self._use = use
        return True

    def leave(self) -> None:
        """End what `enter` began, in the same thread."""
        if self._use is not None:
            self._use.__exit__(None, None, None)
            self._use = None

    def close(self, *, have_failed: bool) -> None:
        """Give the memory back as soon as no pool is in use.

        PyTorch empties a pool that goes, and ends the process if it cannot:
        while any pool is in use, or after the GPU has failed. A garbage
        collection may close a pool at any time, in the thread that has
        another in use as well, so this waits for nothing.

        Args:
            have_failed: Whether the GPU has.
        """
        if have_failed and self._memory is not None:
            # One reference too many, so that it does not go at the process's end either.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._memory))
        _closed.append(self)
        _let_closed_go()


def _let_closed_go() -> None:
    """Free closed pools, unless one is in use: who uses it calls this afterwards."""
    while _closed and _in_use.acquire(blocking=False):
        try:
            while _closed:
                _closed.pop()._memory = None
        finally:
            _in_use.release()
