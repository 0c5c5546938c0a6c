from dataclasses import replace
from pathlib import Path

import pytest

from vs_espcn.errors import InputError
from vs_espcn.training.history import History, HistoryRow, read_history

ROW = HistoryRow(step=10, hours=0.1, rate=1e-3, loss=0.002, psnr=30.123)
LATER = replace(ROW, step=20, hours=0.2, psnr=31.0)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    history = History(path)
    history.add(ROW)
    history.add(LATER)
    assert read_history(path) == [ROW, LATER]
    assert path.read_text().splitlines()[0] == "step,hours,rate,loss,psnr"


def test_a_resumed_run_drops_the_rows_of_steps_that_were_lost(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    first = History(path)
    first.add(ROW)
    first.add(LATER)
    again = replace(LATER, psnr=32.0)
    History(path, up_to=10).add(again)
    assert read_history(path) == [ROW, again]


def test_a_new_run_starts_a_new_table(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    History(path).add(ROW)
    History(path).add(LATER)
    assert read_history(path) == [LATER]


def test_a_run_without_a_table_goes_on_with_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    History(path, up_to=15).add(LATER)
    assert read_history(path) == [LATER]


@pytest.mark.parametrize(
    "content", ["name,age\na,1\n", "step,hours,rate,loss,psnr\n1,x,1,1,1\n", "step\n1\n"]
)
def test_another_table_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"is not the table of a run, whose columns are step, hours"):
        read_history(path)
