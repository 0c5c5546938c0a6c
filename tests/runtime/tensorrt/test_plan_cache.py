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
    assert not list(stored.path.parent.glob("*.part"))


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


def test_clear() -> None:
    load()
    load(key=replace(KEY, device="another"))
    (plan_cache.plans_dir() / "killed.1.part").touch()
    assert plan_cache.clear() == 2
    assert plan_cache.stored_plans() == []
    assert not list(plan_cache.plans_dir().glob("*.part"))
    assert plan_cache.clear() == 0


class TestKernels:
    def test_they_are_stored_and_read(self) -> None:
        plan_cache.plans_dir().mkdir()
        plan_cache.store_kernels(KEY, "Toaster 3", b"hot")
        assert plan_cache.load_kernels(KEY, "Toaster 3") == b"hot"
        assert plan_cache.load_kernels(KEY, "Toaster 4") is None
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
