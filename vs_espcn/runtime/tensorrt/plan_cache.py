"""Plans on disk: built once per graph, library, GPU and option, whoever asks first.

A file is a line of JSON (what the plan was built for, and its checksum)
followed by the plan. It appears under its name only when it is whole, and one
process at a time builds it. A plan is code to TensorRT: a link, a file of
another user's and anything that is no regular file count as absent.
"""

import errno
import hashlib
import json
import logging
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock
from onnx import ModelProto

from vs_espcn.cache_folder import CACHED_MODE, cache_dir, open_cached
from vs_espcn.errors import BackendError
from vs_espcn.file_writing import replace_file

_log = logging.getLogger(__name__)

SUFFIX = ".plan"
KERNELS_SUFFIX = ".kernels"


@dataclass(frozen=True, kw_only=True)
class PlanKey:
    """Everything that a plan depends on.

    Attributes:
        graph: SHA-256 of the ONNX graph, which holds the shape and the precision.
        title: What the plan is for, in words that people read.
        flavour: ``"tensorrt"`` or ``"tensorrt_rtx"``.
        version: The library's exact version.
        capability: Compute capability of the GPU, for example ``"8.9"``.
        device: Name of the GPU; empty if the plan is for any of that capability.
        options: Options of the builder.
    """

    graph: str
    title: str
    flavour: str
    version: str
    capability: str
    device: str
    options: str

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class StoredPlan:
    """A file of the cache; `key` is None if it cannot be read."""

    path: Path
    nbytes: int
    key: PlanKey | None


def graph_digest(graph: ModelProto) -> str:
    """SHA-256 of a graph."""
    return hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest()


def plans_dir() -> Path:
    """Folder of the plans: in the user's cache folder, which VS_ESPCN_CACHE moves."""
    return cache_dir() / "plans"


def load_or_build(
    key: PlanKey, build: Callable[[], bytes] | None, refuse: Callable[[bytes], str | None]
) -> bytes:
    """Read a plan, or build and store it.

    Args:
        key: What it is for.
        build: Builds it; None if it must be there.
        refuse: Says why a plan that was read cannot be used, or None if it can.

    Raises:
        BackendError: The plan is not there and must not be built, its folder
            cannot be written, or `build` failed.
    """
    path = _path_of(key)
    with _locked(path):
        try:
            plan = _read(path, key)
            reason = refuse(plan)
            if reason is None:
                return plan
        except FileNotFoundError:
            reason = "there is none for it yet"
        except OSError as error:
            reason = f"the stored plan cannot be read ({error.strerror})"
        except ValueError as error:
            reason = str(error)
        if build is None:
            raise BackendError(
                f"no plan for {key.title} can be used: {reason}; warm the cache with 'vs-espcn build', "
                "or use build=True"
            )
        _log.warning("building a plan for %s: %s", key.title, reason)
        plan = build()
        with _disk_errors(path.parent):
            _write(path, key, plan)
        return plan


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time look for a plan and build it.

    Raises:
        BackendError: The folder cannot be written.
    """
    lock = FileLock(path.with_suffix(".lock"))
    with _disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the disk into one that names the folder and the cause."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        fix = "free space there, or set" if is_full else "set"
        raise BackendError(
            f"cannot keep plans in {folder}: {error.strerror or error}; "
            f"{fix} VS_ESPCN_CACHE to a folder that can be written"
        ) from error


def load_kernels(key: PlanKey, device: str, shape: Sequence[int] | None = None) -> bytes | None:
    """What was compiled for a plan on one kind of GPU; None if nothing usable is stored.

    Args:
        key: The plan's.
        device: Name of the GPU.
        shape: Of the input, of a plan for many sizes; None for a plan of one.
    """
    key = _kernels_key(key, device, shape)
    try:
        return _read(_path_of(key, KERNELS_SUFFIX), key)
    except (OSError, ValueError) as error:
        _log.info("no kernels for %s: %s", key.title, error)
        return None


def store_kernels(key: PlanKey, device: str, kernels: bytes, shape: Sequence[int] | None = None) -> None:
    """Store what was compiled for a plan on one kind of GPU; see `load_kernels`.

    If it cannot be stored, it is compiled again next time, and a line says so.
    """
    key = _kernels_key(key, device, shape)
    path = _path_of(key, KERNELS_SUFFIX)
    try:
        with FileLock(path.with_suffix(".lock")):
            _write(path, key, kernels)
    except OSError as error:
        _log.warning("cannot keep compiled kernels in %s: %s", path.parent, error.strerror or error)


def _kernels_key(key: PlanKey, device: str, shape: Sequence[int] | None) -> PlanKey:
    size = "" if shape is None else f" for {'x'.join(map(str, shape))}"
    return replace(key, device=device, options=f"{key.options}; compiled kernels{size}")


def stored_plan(key: PlanKey) -> StoredPlan:
    """A plan that is in the cache."""
    path = _path_of(key)
    return StoredPlan(path=path, nbytes=path.stat().st_size, key=key)


def stored_plans() -> list[StoredPlan]:
    """Every plan in the cache, by file name."""
    return [
        StoredPlan(path=path, nbytes=path.lstat().st_size, key=_key_of(path))
        for path in sorted(plans_dir().glob("*" + SUFFIX))
        if not stat.S_ISDIR(path.lstat().st_mode)
    ]


def clear() -> int:
    """Delete every plan and what was compiled for it; returns how many plans there were."""
    plans = stored_plans()
    kernels = plans_dir().glob("*" + KERNELS_SUFFIX)
    unfinished = plans_dir().glob(".*.tmp")  # of processes that were killed
    # A lock may be held; what is no regular file is no lock, and in the way.
    blocked = [path for path in plans_dir().glob("*.lock") if not stat.S_ISREG(path.lstat().st_mode)]
    for path in [*(plan.path for plan in plans), *kernels, *unfinished, *blocked]:
        path.unlink(missing_ok=True)
    return len(plans)


def _path_of(key: PlanKey, suffix: str = SUFFIX) -> Path:
    return plans_dir() / (key.digest + suffix)


def _key_of(path: Path) -> PlanKey | None:
    try:
        with open_cached(path) as file:
            return PlanKey(**json.loads(file.readline())["key"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _read(path: Path, key: PlanKey) -> bytes:
    """The plan in a file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a whole plan for this key, or not this user's.
    """
    with open_cached(path) as file:
        header, _, plan = file.read().partition(b"\n")
    try:
        facts = json.loads(header)
        stored, checksum = facts["key"], facts["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("the stored file is not a plan") from None
    if stored != asdict(key):
        raise ValueError("the stored plan is for something else")
    if hashlib.sha256(plan).hexdigest() != checksum:
        raise ValueError("the stored plan is damaged")
    return plan


def _write(path: Path, key: PlanKey, plan: bytes) -> None:
    """Put a plan in place so that no reader ever sees a part of it."""
    header = json.dumps({"key": asdict(key), "sha256": hashlib.sha256(plan).hexdigest()})
    replace_file(path, header.encode() + b"\n" + plan, mode=CACHED_MODE)
    _log.info("stored %s (%d KB)", path.name, len(plan) // 1024)
