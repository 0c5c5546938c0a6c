from pathlib import Path

import pytest

from vs_espcn.encoding.batch import outputs_for
from vs_espcn.errors import InputError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_files_and_folders_become_outputs(tmp_path: Path) -> None:
    make(tmp_path, "s/b.MP4", "s/a.mkv", "s/x/c.d.avi", "s/cover.jpg", "odd.bin")
    make(tmp_path, "s/.hidden.mkv", "s/.trash/e.mkv", "s/f.mkv.segments/g.mkv")
    pairs = outputs_for([tmp_path / "odd.bin", tmp_path / "s"], tmp_path / "out", ".mkv")
    assert [
        (source.relative_to(tmp_path).as_posix(), output.relative_to(tmp_path / "out").as_posix())
        for source, output in pairs
    ] == [("odd.bin", "odd.mkv"), ("s/a.mkv", "a.mkv"), ("s/b.MP4", "b.mkv"), ("s/x/c.d.avi", "x/c.d.mkv")]


def test_a_file_given_twice_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "s/a.mkv")
    pairs = outputs_for([tmp_path / "s", tmp_path / "s" / "a.mkv"], tmp_path / "out", ".mkv")
    assert pairs == [(tmp_path / "s" / "a.mkv", tmp_path / "out" / "a.mkv")]


def test_outputs_below_the_input_are_no_inputs(tmp_path: Path) -> None:
    make(tmp_path, "a.mp4", "out/a.mkv")
    assert len(outputs_for([tmp_path], tmp_path / "out", ".mkv")) == 1


@pytest.mark.parametrize(
    ("inputs", "suffix", "words"),
    [
        (["a.mp4", "b/a.mov"], ".mkv", "would both become"),
        (["a.mp4", "a.avi"], ".mkv", "would both become"),
        (["missing.mp4"], ".mkv", "does not exist"),
        (["empty"], ".mkv", "is a folder without videos"),
        (["a.mp4"], ".gif", "suffix '.gif' is not known; choose one of .mp4"),
        (["a.mp4"], "mkv", "suffix 'mkv' is not known; choose one of .mp4"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, inputs: list[str], suffix: str, words: str) -> None:
    make(tmp_path, "a.mp4", "a.avi", "b/a.mov")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=words):
        outputs_for([tmp_path / name for name in inputs], tmp_path / "out", suffix)
