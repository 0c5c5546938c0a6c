import errno
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vs_espcn.errors import BackendError
from vs_espcn.runtime.tensorrt import plan_cache
from vs_espcn.runtime.tensorrt.plan_cache import PlanKey

KEY = PlanKey(
    graph="0" * 64,
    title="8x8 to 16x16 on a toaster",
    flavour="tensorrt_rtx",
    version="1.7",
    capability="8.9",
    device="",
    options="",
)

TWO_AT_ONCE = """
import sys, time
from pathlib import Path
from vs_espcn.runtime.tensorrt.plan_cache import PlanKey, load_or_build

def build():
    with open(sys.argv[2], "a") as log:
        log.write("built\\n")
    time.sleep(0.5)
    return b"the plan"

Path(sys.argv[3]).touch()
while len(list(Path(sys.argv[3]).parent.glob("ready*"))) < 2:
    time.sleep(0.01)
import json
key = PlanKey(**json.loads(sys.argv[1]))
assert load_or_build(key, build, lambda plan: None) == b"the plan"
"""


def load(plan: bytes | None = b"new", refuse: str | None = None, key: PlanKey = KEY) -> bytes:
    return plan_cache.load_or_build(key, (lambda: plan) if plan else None, lambda _: refuse)


def test_the_key_counts_whole() -> None:
    other = dict.fromkeys(vars(KEY), "other")
    digests = {replace(KEY, **{field: value}).digest for field, value in other.items()}
    assert len(digests | {KEY.digest}) == len(other) + 1
    assert len(KEY.digest) == 64


def test_a_plan_is_stored_and_read(caplog: pytest.LogCaptureFixture) -> None:
    assert load(b"first") == b"first"
    assert load(b"second") == b"first"
    (line,) = caplog.messages
    assert line == "building a plan for 8x8 to 16x16 on a toaster: there is none for it yet"
    (stored,) = plan_cache.stored_plans()
    assert stored.key == KEY
    assert stored.path.parent == Path(os.environ["VS_ESPCN_CACHE"]) / "plans"
    assert {path.suffix for path in stored.path.parent.iterdir()} == {".plan", ".lock"}


def test_a_refused_plan_is_rebuilt(caplog: pytest.LogCaptureFixture) -> None:
    load(b"first")
    caplog.clear()
    assert load(b"second", refuse="it is too old") == b"second"
    assert load(None) == b"second"
    assert caplog.messages == ["building a plan for 8x8 to 16x16 on a toaster: it is too old"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a plan"),
        (b"\x00\xff\nplan", "not a plan"),
        (b"{}\nplan", "not a plan"),
        (b"[]\nplan", "not a plan"),
        (b"[" * 100_000, "not a plan"),
        (b'{"key": {}, "sha256": ""}\nplan', "for something else"),
    ],
)
def test_what_is_not_a_plan_is_rebuilt(content: bytes, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    load()
    (stored,) = plan_cache.stored_plans()
    stored.path.write_bytes(content)
    assert plan_cache.stored_plans()[0].key is None
    caplog.clear()
    assert load(b"again") == b"again"
    assert reason in caplog.text


def test_a_flipped_bit_is_found(caplog: pytest.LogCaptureFixture) -> None:
    load(b"plan")
    (stored,) = plan_cache.stored_plans()
    stored.path.write_bytes(stored.path.read_bytes()[:-1] + b"m")
    assert load(b"again") == b"again"
    assert "damaged" in caplog.text


def test_a_build_that_fails_leaves_nothing() -> None:
    def fail() -> bytes:
        raise BackendError("no")

    with pytest.raises(BackendError, match="no"):
        plan_cache.load_or_build(KEY, fail, lambda _: None)
    assert plan_cache.stored_plans() == []


def test_two_processes_at_once_build_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = (json.dumps(vars(KEY)), str(log))
    children = [
        subprocess.Popen([sys.executable, "-c", TWO_AT_ONCE, *arguments, str(tmp_path / f"ready{number}")])
        for number in range(2)
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    assert log.read_text() == "built\n"


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VS_ESPCN_CACHE", str(tmp_path / "file"))
    with pytest.raises(BackendError, match=r"cannot keep plans in .*; set VS_ESPCN_CACHE"):
        load()


def planted(path: Path, kind: str) -> None:
    """Something that is no plan, in the place of one."""
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    match kind:
        case "link":
            victim = path.parent.parent / "victim"
            victim.write_bytes(b"precious")
            path.symlink_to(victim)
        case "dangling link":
            path.symlink_to(path.parent.parent / "nowhere")
        case "fifo":
            pytest.importorskip("fcntl", reason="needs FIFOs")
            os.mkfifo(path)
        case "garbage":
            path.write_bytes(bytes(range(256)))


KINDS = ["link", "dangling link", "fifo", "garbage"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_counts_as_absent_and_is_replaced(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = plan_cache.plans_dir() / f"{KEY.digest}.plan"
    planted(path, kind)
    assert [plan.key for plan in plan_cache.stored_plans()] == [None]
    with pytest.raises(BackendError, match=r"no plan for .* can be used: the stored file is"):
        load(None)
    assert load(b"new") == b"new"
    assert "building a plan" in caplog.text
    assert load(None) == b"new"
    assert not path.is_symlink()
    cache = path.parent.parent
    assert not (cache / "nowhere").exists()
    assert kind != "link" or (cache / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("kind", KINDS)
def test_clear_removes_what_is_planted(kind: str) -> None:
    planted(plan_cache.plans_dir() / f"{KEY.digest}.plan", kind)
    planted(plan_cache.plans_dir() / f"{KEY.digest}.kernels", kind)
    planted(plan_cache.plans_dir() / f"{KEY.digest}.lock", kind)
    assert plan_cache.clear() == 1
    assert {path.suffix for path in plan_cache.plans_dir().iterdir()} <= {".lock"}
    assert load() == b"new"
    assert kind != "link" or (plan_cache.plans_dir().parent / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("kind", ["link", "dangling link"])
def test_a_link_at_the_lock_is_not_followed(kind: str) -> None:
    planted(plan_cache.plans_dir() / f"{KEY.digest}.lock", kind)
    with pytest.raises(BackendError, match="cannot keep plans in"):
        load()
    assert not (plan_cache.plans_dir().parent / "nowhere").exists()


def test_a_plan_of_another_user_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its checksum is right; but a plan is code."""
    pytest.importorskip("pwd", reason="Windows has no uids")
    load(b"theirs")
    plan_cache.store_kernels(KEY, "Toaster 3", b"theirs")
    if os.geteuid() == 0:
        for path in plan_cache.plans_dir().iterdir():
            os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert plan_cache.stored_plans()[0].key is None
    assert plan_cache.load_kernels(KEY, "Toaster 3") is None
    caplog.clear()
    assert load(b"mine") == b"mine"
    assert "the stored file belongs to another user" in caplog.text


def test_a_plan_is_read_again_whatever_the_umask(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("pwd", reason="Windows has no umask")
    before = os.umask(0)
    try:
        load(b"first")
    finally:
        os.umask(before)
    assert load(b"second") == b"first"
    (stored,) = plan_cache.stored_plans()
    stored.path.chmod(0o666)
    assert load(b"third") == b"third"
    assert "the stored file can be written by every user" in caplog.text


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        BackendError, match=r"No space left on device; free space there, or set VS_ESPCN_CACHE"
    ):
        load()
    assert plan_cache.stored_plans() == []
    assert {path.suffix for path in plan_cache.plans_dir().iterdir()} == {".lock"}


def test_an_error_of_the_build_is_not_taken_for_one_of_the_disk() -> None:
    def fail() -> bytes:
        raise FileNotFoundError(errno.ENOENT, "no such library", "libbuilder.so")

    with pytest.raises(FileNotFoundError, match="no such library"):
        plan_cache.load_or_build(KEY, fail, lambda _: None)


def test_clear() -> None:
    load()
    load(key=replace(KEY, device="another"))
    (plan_cache.plans_dir() / ".killed.plan.0a1b2c3d.tmp").touch()
    assert plan_cache.clear() == 2
    assert plan_cache.stored_plans() == []
    assert not list(plan_cache.plans_dir().glob(".*"))
    assert plan_cache.clear() == 0


class TestKernels:
    def test_they_are_stored_and_read(self) -> None:
        plan_cache.plans_dir().mkdir()
        plan_cache.store_kernels(KEY, "Toaster 3", b"hot")
        assert plan_cache.load_kernels(KEY, "Toaster 3") == b"hot"
        assert plan_cache.load_kernels(KEY, "Toaster 4") is None
        assert plan_cache.load_kernels(KEY, "Toaster 3", (1, 1, 20, 32)) is None
        assert plan_cache.load_kernels(replace(KEY, version="1.8"), "Toaster 3") is None
        assert plan_cache.stored_plans() == []

    def test_a_folder_that_cannot_be_written_costs_time_only(self, caplog: pytest.LogCaptureFixture) -> None:
        plan_cache.plans_dir().parent.mkdir(exist_ok=True)
        plan_cache.plans_dir().write_text("a file")
        plan_cache.store_kernels(KEY, "Toaster 3", b"hot")
        assert "cannot keep compiled kernels in" in caplog.text
        assert plan_cache.load_kernels(KEY, "Toaster 3") is None


def test_the_file_can_be_read_by_eye() -> None:
    load(b"plan")
    header, _, plan = plan_cache.stored_plans()[0].path.read_bytes().partition(b"\n")
    assert json.loads(header)["key"]["title"] == KEY.title
    assert json.loads(header)["sha256"] == hashlib.sha256(plan).hexdigest()
