"""Record a run as a table, one row per validation, from which training curves are drawn."""

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from vs_espcn.errors import InputError
from vs_espcn.training.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """One validation.

    Attributes:
        step: Steps taken.
        hours: Training time, including earlier parts of a resumed run.
        rate: Learning rate of the latest step.
        loss: Mean squared error of the latest steps, on luma code / 255.
        psnr: Validation PSNR in dB.
    """

    step: int
    hours: float
    rate: float
    loss: float
    psnr: float


class History:
    """Rows in memory and in a CSV file, which is rewritten as a whole each time."""

    def __init__(self, path: Path, *, up_to: int = 0) -> None:
        """Start a table, or continue an existing one.

        Args:
            path: The CSV file.
            up_to: Step from which the run resumes, 0 for a new one; later rows belong to lost steps.

        Raises:
            InputError: The file is not such a table.
        """
        self._path = path
        self._rows = [row for row in read_history(path) if row.step <= up_to] if up_to else []

    def add(self, row: HistoryRow) -> None:
        """Add a row and write the file.

        Raises:
            TrainingError: The file cannot be written.
        """
        self._rows.append(row)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(field.name for field in fields(HistoryRow))
        writer.writerows(astuple(each) for each in self._rows)
        write_atomically(self._path, text.getvalue().encode())


def read_history(path: Path) -> list[HistoryRow]:
    """Read the table of a run.

    Args:
        path: A file that ``History`` wrote.

    Returns:
        Its rows; empty if there is no file.

    Raises:
        InputError: The file is not such a table.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [
                HistoryRow(
                    step=int(row["step"]),
                    hours=float(row["hours"]),
                    rate=float(row["rate"]),
                    loss=float(row["loss"]),
                    psnr=float(row["psnr"]),
                )
                for row in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError) as error:
        columns = ", ".join(field.name for field in fields(HistoryRow))
        raise InputError(
            f"{path} is not the table of a run, whose columns are {columns}; delete or move it"
        ) from error
