import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from vs_espcn.errors import InputError
from vs_espcn.evaluation import plot, report
from vs_espcn.evaluation.plot import plot_over_time
from vs_espcn.evaluation.scores import Score
from vs_espcn.file_writing import check_destinations


def of_image(method: str, scale: int, item: str, psnr: float, ssim: float) -> Score:
    return Score(
        group="Set", item=item, source="uncompressed", scale=scale, method=method, psnr=psnr, ssim=ssim
    )


def of_frame(method: str, source: str, item: int, psnr: float, group: str = "a.mp4") -> Score:
    return Score(group=group, item=str(item), source=source, scale=2, method=method, psnr=psnr)


IMAGES = [
    of_image("bicubic", 2, "a.png", 30.0, 0.9),
    of_image("bicubic", 2, "b.png", 32.0, 0.8),
    of_image("bicubic", 3, "a.png", 28.0, 0.7),
    of_image("net", 3, "a.png", 29.123456, 0.75),
]
FRAMES = [
    *(of_frame("bicubic", "uncompressed", n, 30.0 + n) for n in range(3)),
    *(of_frame("lanczos", "uncompressed", n, 30.5 + n) for n in range(3)),
    *(of_frame("net", "uncompressed", n, 32.0 + n) for n in range(3)),
    *(of_frame("bicubic", "crf 28", n, 28.0) for n in range(3)),
    *(of_frame("lanczos", "crf 28", n, 27.9) for n in range(3)),
    *(of_frame("net", "crf 28", n, 27.75) for n in range(3)),
]


def test_a_table_of_images() -> None:
    assert report.markdown_of_images(IMAGES).splitlines() == [
        "PSNR in dB / SSIM, means over 2 images.",
        "",
        "| method | Set x2 | Set x3 |",
        "| --- | --- | --- |",
        "| bicubic | 31.00 / 0.8500 | 28.00 / 0.7000 |",
        "| net | – | 29.12 / 0.7500 |",
    ]


def test_kernels_get_a_table_of_their_own() -> None:
    def of_kernel(method: str, kernel: str, psnr: float) -> Score:
        return replace(of_image(method, 2, "a.png", psnr, 0.9), source=kernel)

    scores = [
        of_kernel("bicubic", "box", 30.0),
        of_kernel("net", "box", 31.0),
        of_kernel("bicubic", "lanczos", 32.0),
        of_kernel("net", "lanczos", 34.0),
    ]
    assert report.markdown_of_images(scores).splitlines() == [
        "PSNR in dB / SSIM, means over 1 images.",
        "",
        "| method | Set x2 |",
        "| --- | --- |",
        "| bicubic | 31.00 / 0.9000 |",
        "| net | 32.50 / 0.9000 |",
        "",
        "### Set x2, by kernel",
        "",
        "| method | box | lanczos | mean |",
        "| --- | --- | --- | --- |",
        "| bicubic | 30.00 | 32.00 | 31.00 |",
        "| net | 31.00 | 34.00 | 32.50 |",
    ]


def test_a_table_of_clips_says_where_a_network_loses() -> None:
    assert report.markdown_of_clips(FRAMES).splitlines() == [
        "### x2",
        "",
        "| clip | low resolution | bicubic | lanczos | net |",
        "| --- | --- | --- | --- | --- |",
        "| a.mp4 | uncompressed | 31.00 | 31.50 | 33.00 |",
        "| a.mp4 | crf 28 | 28.00 | 27.90 | 27.75 |",
        "",
        "- net falls behind a resizer on a.mp4 at crf 28 (bicubic +0.25 dB).",
    ]


def test_several_clips_have_a_mean() -> None:
    other = [of_frame("bicubic", "uncompressed", 0, 40.0, group="b.mp4")]
    table = report.markdown_of_clips([*FRAMES[:3], *other]).splitlines()
    assert table[-1] == "| **mean** | uncompressed | 35.50 |"


def test_csv_has_a_row_per_score() -> None:
    rows = list(csv.DictReader(io.StringIO(report.to_csv([*IMAGES, *FRAMES]))))
    assert len(rows) == len(IMAGES) + len(FRAMES)
    assert rows[3] == {
        "group": "Set", "item": "a.png", "source": "uncompressed", "scale": "3", "method": "net",
        "psnr": "29.1235", "ssim": "0.750000",
    }  # fmt: skip
    assert rows[-1]["ssim"] == ""


def test_a_plot_has_a_panel_per_clip_and_source() -> None:
    with Image.open(io.BytesIO(plot_over_time(FRAMES))) as image:
        image.load()
        two_panels = image.size
    with Image.open(io.BytesIO(plot_over_time(FRAMES[:9]))) as image:
        assert image.width < two_panels[0]
        assert image.height == two_panels[1]


def test_without_matplotlib_a_plot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "find_spec", lambda name: None)  # noqa: ARG005
    with pytest.raises(
        InputError,
        match=r"Matplotlib is not installed; --plot needs it: in a clone of vs-espcn, run `uv sync",
    ):
        plot.check_installed()


def test_files_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    check_destinations([None, tmp_path / "table.md"])
    for path in (tmp_path, tmp_path / "absent" / "table.md"):
        with pytest.raises(InputError, match="cannot be written; give a file in a folder that exists"):
            check_destinations([path])
