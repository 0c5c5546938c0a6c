"""What a command says on stderr, and how much of it."""

import json
import logging
import sys
from pathlib import Path

import pytest

from tests.command import in_own_process
from tests.media import video
from vs_espcn import logs

LIBRARY = logging.getLogger("vs_espcn.runtime.something")


def say_everything() -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        LIBRARY.log(level, "library %s", logging.getLevelName(level).lower())
    logs.console_logger.info("10 frames", extra={"fields": {"frames": 10}})


def test_a_librarys_handler_of_the_root_logger_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """As OpenVINO's telemetry sets one where there is no home folder."""
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    try:
        with logs.on_stderr():
            logs.console_logger.info("10 frames")
    finally:
        logging.getLogger().removeHandler(handler)
    assert capsys.readouterr().err == "vs-espcn: 10 frames\n"


@pytest.mark.parametrize(
    ("verbosity", "lines"),
    [
        (-1, ["error: library error"]),
        (0, ["library warning", "error: library error", "10 frames"]),
        (1, ["library info", "library warning", "error: library error", "10 frames"]),
        (2, ["library debug", "library info", "library warning", "error: library error", "10 frames"]),
    ],
)
def test_the_verbosity_chooses_what_is_shown(
    verbosity: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.on_stderr(verbosity):
        say_everything()
    say_everything()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [f"vs-espcn: {line}" for line in lines]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07.mkv", r"\x1b]0;owned\x07.mkv"),
        ("one\r\nvs-espcn: error: two", r"one\r\nvs-espcn: error: two"),
        ("\x9b2J \x7f", r"\x9b2J \x7f"),
        ("film\u202egpj.mkv", r"film\u202egpj.mkv"),
        ("né 日本 \N{MAN}\N{ZERO WIDTH JOINER}\N{ROCKET}", "né 日本 \N{MAN}\N{ZERO WIDTH JOINER}\N{ROCKET}"),
    ],
)
def test_no_name_or_title_steers_the_terminal(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.on_stderr():
        logs.console_logger.info("%s", text)
    assert capsys.readouterr().err == f"vs-espcn: {shown}\n"


def test_json_has_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.on_stderr(as_json=True):
        assert not logs.is_for_people()
        logs.console_logger.info("two\nlines ü", extra={"fields": {"frames": 10}})
    logs.show_error(ValueError("bad"))
    said, error = map(json.loads, capsys.readouterr().err.splitlines())
    assert said.pop("time").endswith("+00:00")
    assert said == {"level": "info", "logger": "vs_espcn.console", "message": "two\nlines ü", "frames": 10}
    assert (error["level"], error["message"]) == ("error", "bad")


def test_levels_are_as_before_afterwards() -> None:
    before = logging.getLogger("vs_espcn").level
    with logs.on_stderr(2):
        assert logging.getLogger("vs_espcn").level == logging.DEBUG
    assert logging.getLogger("vs_espcn").level == before
    assert not logging.getLogger("vs_espcn").handlers


def vs_espcn_command(*arguments: str | Path, code: int = 0) -> list[str]:
    """What it says on stderr."""
    done = in_own_process(*arguments, code=code)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_the_options_of_the_command(tmp_path: Path) -> None:
    source = video(tmp_path / "in.mp4", frames=2)
    assert vs_espcn_command("-q", "upscale", source, tmp_path / "1.mkv") == []
    lines = vs_espcn_command("-v", "upscale", source, tmp_path / "2.mkv")
    assert any(line.startswith("vs-espcn: using OpenVINO") for line in lines)
    lines = vs_espcn_command("--log-json", "upscale", source, tmp_path / "2.mkv", code=1)
    (error,) = map(json.loads, lines)
    assert error["level"] == "error"
    assert "exists" in error["message"]


def test_what_steers_a_terminal_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.on_stderr():
        logs.console_logger.info("%s", "a \x1b]0;title\x07 and \x9b31m; two\nlines")
    assert capsys.readouterr().err == "vs-espcn: a \\x1b]0;title\\x07 and \\x9b31m; two\\nlines\n"
