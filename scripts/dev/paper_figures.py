"""The pictures of docs/measurements/paper.md."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from onnx import numpy_helper
from pages import table
from paper_networks import (
    ESPCN,
    ESPCN_RELU,
    ROOT,
    SHIPPED,
    SRCNN_915,
    SRCNN_955,
    TNRD,
    Contender,
    convolution_weights,
    cpu_milliseconds,
)
from paper_scores import BICUBIC, image_scores, read_images
from PIL import Image, ImageDraw, ImageFont

from vs_espcn.evaluation.images import degrade
from vs_espcn.evaluation.scores import mean_psnr
from vs_espcn.evaluation.video import open_clip
from vs_espcn.training.data.degradation import enlarge, round_to_8_bit
from vs_espcn.training.metrics import mod_crop, psnr

SPEED_ROUNDS = 2
QUOTED_MS = 4.7
"""The paper's mean time of ESPCN for an image of Set14 at x3, on a K2."""

Plane = NDArray[np.floating]

CROP_FILM, CROP_FRAME = "natural_540p_flower.mp4", 100
CROP = (slice(150, 270), slice(450, 570))
"""Rows and columns of the picture of crops; the film is CC0."""


def speed_rows(data: Path) -> list[tuple[str, float, float]]:
    """Name, mean CPU milliseconds per image of Set14 at x3, and mean PSNR there, of what is trained."""
    shown = {each.label: each.path(3) for each in (SRCNN_915, SRCNN_955, TNRD, ESPCN_RELU, ESPCN, SHIPPED)}
    rows = []
    scores = [score for score in image_scores(data, 3) if score.group == "Set14"]
    lows = [degrade(mod_crop(each.luma, 3), 3) for each in read_images(data) if each.group == "Set14"]
    for label, path in shown.items():
        if path.is_file() and scores:
            mean = mean_psnr(score for score in scores if score.method == str(path))
            rows.append((label, _milliseconds(path, lows), mean))
    return rows


def _milliseconds(path: Path, lows: list[NDArray[np.uint8]]) -> float:
    """Mean CPU time of an image, of the faster of the rounds of each."""
    core = ov.Core()
    model = core.read_model(path)
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1"}
    compiled = core.compile_model(model, "CPU", options)
    inputs = [(low / 255).astype(np.float32)[None, None] for low in lows]
    work = {number: lambda each=each: compiled(each) for number, each in enumerate(inputs)}
    return float(np.mean(list(cpu_milliseconds(work, SPEED_ROUNDS).values())))


def draw_speed(data: Path, file: Path) -> str:
    """Figure 2; gives its points as a table."""
    rows = speed_rows(data)
    if not rows:
        return "no data: Set14 is not there."
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    panel = figure.subplots()
    beside: dict[str, Any] = {"xytext": (6, 4), "textcoords": "offset points", "fontsize": 8}
    for name, milliseconds, mean in rows:
        panel.plot(milliseconds, mean, "o", color="C3" if name.startswith("ESPCN") else "C0")
        panel.annotate(name, (milliseconds, mean), **beside)
    panel.plot(QUOTED_MS, 29.49, "x", color="0.4")
    panel.annotate(
        "ESPCN, the paper's, on a K2",
        (QUOTED_MS, 29.49),
        xytext=(6, 4),
        textcoords="offset points",
        fontsize=8,
    )
    panel.set_xscale("log")
    panel.set_xlabel("ms per image of Set14 at x3, one CPU core")
    panel.set_ylabel("PSNR, dB")
    panel.margins(x=0.25, y=0.12)
    panel.grid(alpha=0.3)
    figure.savefig(file, dpi=110)
    lines = [[name, f"{milliseconds:.1f}", f"{mean:.2f}"] for name, milliseconds, mean in rows]
    return table(["x3", "ms per image of Set14", "PSNR on Set14"], lines)


def kernels(contender: Contender, place: int) -> NDArray[np.float32]:
    """The kernels of a convolution."""
    return numpy_helper.to_array(convolution_weights(contender.path(3))[place])


def last_in_high_resolution(contender: Contender) -> NDArray[np.float32]:
    """The last layer's kernel of each input channel where it acts: at high resolution, (32, side, side)."""
    last = kernels(contender, -1)  # (outputs, 32, side, side)
    shuffled = torch.nn.functional.pixel_shuffle(
        torch.from_numpy(last.copy()).permute(1, 0, 2, 3), int(len(last) ** 0.5)
    )
    return shuffled[:, 0].numpy()


def draw_filters(file: Path) -> None:
    """Figures 3 and 4: first and last layer's filters of ESPCN and SRCNN 9-5-5."""
    figure = Figure(figsize=(8.4, 7), layout="constrained")
    grid = figure.subplots(2, 2, height_ratios=(2, 1))
    for column, contender in enumerate((ESPCN, SRCNN_955)):
        first, last = kernels(contender, 0)[:, 0], last_in_high_resolution(contender)
        _show(grid[0, column], first, f"{contender.label}: first layer, {len(first)} of {_side(first)}")
        _show(grid[1, column], last, f"{contender.label}: last layer at high resolution, {_side(last)}")
    figure.savefig(file, dpi=110)


def _side(filters: NDArray[np.float32]) -> str:
    return f"{filters.shape[1]}×{filters.shape[2]}"


def _show(panel: Axes, filters: NDArray[np.float32], title: str) -> None:
    """Filters in rows of eight, the strongest first, each from black (its least) to white (its greatest)."""
    columns = 8
    strongest = filters[np.argsort(-np.abs(filters).max((1, 2)))]
    least, most = (reduce(strongest, axis=(1, 2), keepdims=True) for reduce in (np.min, np.max))
    framed = np.pad((strongest - least) / (most - least), ((0, 0), (1, 0), (1, 0)), constant_values=1)
    rows, side = len(framed) // columns, framed.shape[1]
    picture = framed.reshape(rows, columns, side, side).transpose(0, 2, 1, 3).reshape(rows * side, -1)
    panel.imshow(picture, cmap="gray", interpolation="nearest", vmin=0, vmax=1)
    panel.set_title(title, fontsize=9)
    panel.axis("off")


def draw_crops(data: Path, file: Path) -> str:
    """Figures 5 and 6: part of a picture by bicubic and the networks; says what it shows."""
    film = data / "video" / CROP_FILM
    if not film.is_file():
        return f"no data: {CROP_FILM} is not there."
    with open_clip(film, CROP_FRAME + 1).get_frame(CROP_FRAME) as frame:
        truth = mod_crop(np.array(frame[0]), 3)
    low = degrade(truth, 3)
    pictures = {BICUBIC: round_to_8_bit(enlarge((low / 255).astype(np.float32), 3))}
    for contender in (SRCNN_915, SRCNN_955, ESPCN_RELU, ESPCN, SHIPPED):
        if contender.is_trained(3):
            pictures[contender.label] = _upscaled(contender.path(3), low)
    titles = {name: f"{name}, {psnr(each[CROP], truth[CROP]):.2f} dB" for name, each in pictures.items()}
    pictures["original"], titles["original"] = truth, "original"
    tiles = [_tile(each[CROP], titles[name]) for name, each in pictures.items()]
    columns = 4
    width, height = tiles[0].size
    sheet = Image.new("L", (columns * width, -(-len(tiles) // columns) * height), 255)
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % columns * width, number // columns * height))
    sheet.save(file, optimize=True)
    return "; ".join(titles.values()) + "."


def _upscaled(path: Path, low: NDArray[np.uint8]) -> NDArray[np.uint8]:
    core = ov.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return round_to_8_bit(compiled((low / 255).astype(np.float32)[None, None])[0][0, 0])


def _tile(part: NDArray[np.uint8], title: str) -> Image.Image:
    twice = Image.fromarray(part).resize((2 * part.shape[1], 2 * part.shape[0]), Image.Resampling.NEAREST)
    picture = Image.new("L", (twice.width + 8, twice.height + 24), 255)
    picture.paste(twice, (4, 20))
    ImageDraw.Draw(picture).text((4, 3), title, fill=0, font=ImageFont.load_default(12))
    return picture


FILTERS, SPEED, CROPS = (ROOT / "docs" / f"paper_{name}.png" for name in ("filters", "speed", "crops"))
