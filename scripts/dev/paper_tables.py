"""The tables of docs/measurements/paper.md, the paper's own figures beside them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pages import table
from paper_networks import (
    BASELINES,
    ESPCN,
    ESPCN_MORE,
    ESPCN_RELU,
    ESPCN_RELU_MORE,
    SHIPPED,
    SRCNN_915,
    SRCNN_915_MORE,
    SRCNN_955,
    TNRD,
    Contender,
    compile_network,
    cpu_milliseconds,
    facts,
    operations,
    parameters,
)
from paper_scores import ABSENT, BICUBIC, SETS, clip_rows, image_cell, video_contenders

FRAME_ROUNDS = 3
NOT_QUOTED = "not quoted"

QUOTED_1 = {
    SRCNN_915: "32.39 / 29.00",
    ESPCN_RELU: "32.55 / 29.08",
    SRCNN_915_MORE: "32.52 / 29.14",
    ESPCN_RELU_MORE: "33.00 / 29.42",
}
"""The paper's Table 1 at x3, Set5 / Set14; its more images are ImageNet's."""

QUOTED_2: dict[tuple[int, str], str] = {
    (3, BICUBIC): "30.39 / 27.54",
    (3, SRCNN_955.label): "32.75 / 29.30",
    (3, TNRD.label): "33.17 / 29.46",
    (3, ESPCN.label): "33.13 / 29.49",
    (3, ESPCN_MORE.label): "33.13 / 29.49",
    (4, BICUBIC): "28.42 / 26.00",
    (4, SRCNN_955.label): "30.49 / 27.50",
    (4, TNRD.label): "30.85 / 27.68",
    (4, ESPCN.label): "30.90 / 27.73",
}
"""Its Table 2, Set5 / Set14; SRCNN and ESPCN are trained on ImageNet there, so ours stand beside both."""

QUOTED_SECONDS = {3: {SRCNN_955: 0.435, ESPCN: 0.038}, 4: {SRCNN_955: 0.434, ESPCN: 0.029}}
"""Its seconds per frame of 1080p on a K2."""


def _trained(contender: Contender, scale: int) -> list[str]:
    """Images, steps and hours."""
    said = facts(contender.path(scale))
    return [said[name] for name in ("images", "steps", "hours")]


def _row(data: Path, contender: Contender, scale: int, quoted: str) -> list[str]:
    if not contender.is_trained(scale):
        return [contender.label, "–", "not trained yet", "–", *(["–"] * len(SETS)), quoted]
    cells = [image_cell(data, scale, name, contender) for name in SETS]
    return [contender.label, *_trained(contender, scale), *cells, quoted]


HEAD = ["images", "steps", "hours", *SETS, "the paper, Set5 / Set14"]


def first_table(data: Path) -> str:
    """Table 1: the layer at low resolution against SRCNN 9-1-5, few images and more."""
    rows = [_row(data, contender, 3, quoted) for contender, quoted in QUOTED_1.items()]
    return table(["x3", *HEAD], rows) + _missing(3, list(QUOTED_1))


def second_table(data: Path) -> str:
    """Table 2 at each scale."""
    parts = []
    contenders = [SRCNN_915, SRCNN_955, TNRD, ESPCN_RELU, ESPCN, ESPCN_MORE, SHIPPED]
    for scale in (2, 3, 4):
        cells = [image_cell(data, scale, name, None) for name in SETS]
        quoted = QUOTED_2.get((scale, BICUBIC), NOT_QUOTED)
        rows = [[BICUBIC, "–", "–", "–", *cells, quoted]]
        shown = [each for each in contenders if scale == 3 or each not in (ESPCN_RELU, ESPCN_MORE)]
        rows += [_row(data, each, scale, QUOTED_2.get((scale, each.label), NOT_QUOTED)) for each in shown]
        parts.append(table([f"x{scale}", *HEAD], rows) + _missing(scale, shown))
    return "\n\n".join(parts)


def _missing(scale: int, contenders: list[Contender]) -> str:
    commands = [each.command(scale) for each in contenders if not each.is_trained(scale)]
    if not commands:
        return ""
    return "\n\nNot trained yet; the commands are:\n\n```console\n" + "\n".join(commands) + "\n```"


def activations(data: Path) -> str:
    """Figure 1's claim: what tanh gains over ReLU at x3."""
    rows = []
    for label, relu, tanh in (("T91", ESPCN_RELU, ESPCN), ("more images", ESPCN_RELU_MORE, ESPCN_MORE)):
        cells = []
        for name in SETS:
            pair = [image_cell(data, 3, name, each) if each.is_trained(3) else "–" for each in (relu, tanh)]
            try:
                cells.append(f"{float(pair[1]) - float(pair[0]):+.2f}")
            except ValueError:
                cells.append("not trained yet" if "–" in pair else ABSENT)
        rows.append([label, *cells])
    return table(["tanh less ReLU, dB", *SETS], rows)


def video(data: Path) -> str:
    """Tables 3 and 4 on the clips at hand."""
    parts = []
    for scale in (3, 4):
        contenders = video_contenders(scale)
        head = [f"x{scale}", BICUBIC, *(contender.label for contender in contenders)]
        absent = [] if SRCNN_955 in contenders else [SRCNN_955]
        parts.append(table(head, clip_rows(data, scale)) + _missing(scale, absent))
    return "\n\n".join(parts)


def frame_runner(path: Path, scale: int) -> Callable[[], object]:
    """Upscale one frame to 1080p."""
    height, width = 1080 // scale, 1920 // scale
    request = compile_network(path, height=height, width=width).create_infer_request()
    request.get_input_tensor().data[:] = np.random.default_rng(0).random((1, 1, height, width))

    def upscale() -> None:
        request.infer()

    return upscale


def costs() -> str:
    """Operations and time per frame of 1080p."""
    rows, sentences = [], []
    for scale in (2, 3, 4):
        shown = [each for each in (SRCNN_915, SRCNN_955, TNRD, ESPCN) if each.is_trained(scale)]
        work = {each: frame_runner(each.path(scale), scale) for each in shown}
        speed = cpu_milliseconds(work, FRAME_ROUNDS)
        for each in shown:
            quoted = QUOTED_SECONDS.get(scale, {}).get(each)
            path = each.path(scale)
            cost = [f"{parameters(path):,}", f"{operations(path, scale):,.0f}", f"{speed[each] / 1000:.3f}"]
            rows.append([f"x{scale}", each.label, *cost, f"{quoted}" if quoted else NOT_QUOTED])
        if SRCNN_955 in shown:
            sentences.append(_ratios(scale, speed[SRCNN_955] / speed[ESPCN]))
    head = ["scale", "network", "parameters", "multiply-adds", "s per frame, one CPU core", "the paper, K2"]
    return table(head, rows) + "\n\n" + "\n".join(sentences)


def _ratios(scale: int, slower: float) -> str:
    large, small = SRCNN_955.path(scale), ESPCN.path(scale)
    fewer = operations(large, scale) / operations(small, scale)
    weights = parameters(large) / parameters(small)
    return (
        f"SRCNN 9-5-5 against ESPCN at x{scale}: {weights:.2f} times the parameters, {fewer:.1f} times the "
        f"multiply-adds (the paper: 2.5·scale² = {2.5 * scale**2:.1f}), {slower:.1f} times the time."
    )


def fusion() -> str:
    """What `fusion_trial.py` found, one table for each source, scale and number of steps."""
    file = BASELINES / "fusion.json"
    trials = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    parts = []
    for key in dict.fromkeys((row["source"], row["scale"], row["steps"]) for row in trials):
        rows = [row for row in trials if (row["source"], row["scale"], row["steps"]) == key]
        clips = list(dict.fromkeys(clip for row in rows for clip in row["psnr"]))
        single = next((_mean(row["psnr"]) for row in rows if row["kind"] == "single"), None)
        lines = []
        for row in rows:
            gain = "–" if single is None else f"{_mean(row['psnr']) - single:+.2f}"
            told = [row["kind"], str(row["frames"]), row["compensation"], f"{row['macs']:,}"]
            each = [f"{row['psnr'][clip]:.2f}" if clip in row["psnr"] else ABSENT for clip in clips]
            lines.append([*told, f"{row['hours']:.3f}", *each, f"{_mean(row['psnr']):.2f}", gain])
        head = ["fusion", "frames", "compensation", "multiply-adds", "hours"]
        head += [*(clip.split("_")[-1].removesuffix(".mp4") for clip in clips), "mean", "gain"]
        parts.append(f"{key[0]}, x{key[1]}, {key[2]} steps each:\n\n" + table(head, lines))
    return "\n\n".join(parts)


def _mean(psnrs: dict[str, float]) -> float:
    return float(np.mean(list(psnrs.values())))
