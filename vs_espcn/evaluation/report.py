"""Format scores as Markdown tables and as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from statistics import fmean

from vs_espcn.evaluation.methods import RESIZERS
from vs_espcn.evaluation.scores import Score, mean_psnr

_NOT_MEASURED = "–"
_SMALLEST_SHOWN = 0.005  # dB; less is rounded to nothing


def markdown_of_images(scores: Sequence[Score]) -> str:
    """Return a table of methods by folder and scale, and one by kernel for each if there are several.

    The first table gives mean PSNR in dB and mean SSIM over all kernels, the others mean PSNR.
    """
    kernels = _distinct(score.source for score in scores)
    places = _distinct((score.group, score.scale) for score in scores) if len(kernels) > 1 else []
    tables = [
        f"### {group} x{scale}, by kernel\n\n"
        + _kernel_table([score for score in scores if (score.group, score.scale) == (group, scale)], kernels)
        for group, scale in places
    ]
    return "\n\n".join([_image_table(scores), *tables])


def _kernel_table(scores: Sequence[Score], kernels: Sequence[str]) -> str:
    rows = []
    for method in _distinct(score.method for score in scores):
        by_kernel = [
            mean_psnr(s for s in scores if (s.method, s.source) == (method, kernel)) for kernel in kernels
        ]
        rows.append([method, *(f"{mean:.2f}" for mean in (*by_kernel, fmean(by_kernel)))])
    return _table(["method", *kernels, "mean"], rows)


def _image_table(scores: Sequence[Score]) -> str:
    columns = _distinct((score.group, score.scale) for score in scores)
    rows = []
    for method in _distinct(score.method for score in scores):
        cells = [method]
        for column in columns:
            of_cell = [s for s in scores if s.method == method and (s.group, s.scale) == column]
            cells.append(_psnr_and_ssim(of_cell))
        rows.append(cells)
    count = len({(score.group, score.item) for score in scores})
    note = f"PSNR in dB / SSIM, means over {count} images."
    return f"{note}\n\n{_table(['method', *(f'{group} x{scale}' for group, scale in columns)], rows)}"


def markdown_of_clips(scores: Sequence[Score]) -> str:
    """Return a table of clips by method for each scale, and where networks fell behind resizers."""
    parts = []
    for scale in _distinct(score.scale for score in scores):
        of_scale = [score for score in scores if score.scale == scale]
        parts += [f"### x{scale}", _clip_table(of_scale), _verdict(of_scale)]
    return "\n\n".join(part for part in parts if part)


def to_csv(scores: Iterable[Score]) -> str:
    """Return CSV with a row for each image or frame and method; the columns are `Score`'s attributes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Score))
    for score in scores:
        *facts, psnr, ssim = astuple(score)
        writer.writerow([*facts, f"{psnr:.4f}", "" if ssim is None else f"{ssim:.6f}"])
    return text.getvalue()


def _clip_table(scores: Sequence[Score]) -> str:
    methods = _distinct(score.method for score in scores)
    sources = _distinct(score.source for score in scores)
    means = _means(scores)
    groups = _distinct(score.group for score in scores)
    rows = [
        [group, source, *(f"{means[group, source, method]:.2f}" for method in methods)]
        for group in groups
        for source in sources
    ]
    if len(groups) > 1:
        for source in sources:
            over_clips = [fmean(means[group, source, method] for group in groups) for method in methods]
            rows.append(["**mean**", source, *(f"{mean:.2f}" for mean in over_clips)])
    return _table(["clip", "low resolution", *methods], rows)


def _verdict(scores: Sequence[Score]) -> str:
    """Name the sources on which a network fell behind the best resizer, and by how much."""
    means = _means(scores)
    methods = _distinct(score.method for score in scores)
    lines = []
    for network in (method for method in methods if method not in RESIZERS):
        behind = []
        for group, source in _distinct((score.group, score.source) for score in scores):
            rivals = {name: means[group, source, name] for name in methods if name in RESIZERS}
            best = max(rivals, key=rivals.__getitem__, default=network)
            lead = means[group, source, best] - means[group, source, network]
            if lead >= _SMALLEST_SHOWN:
                behind.append(f"{group} at {source} ({best} +{lead:.2f} dB)")
        if behind:
            lines.append(f"- {network} falls behind a resizer on {', '.join(behind)}.")
    return "\n".join(lines)


def _means(scores: Sequence[Score]) -> dict[tuple[str, str, str], float]:
    """Average PSNR by clip, source and method."""
    cells: dict[tuple[str, str, str], list[Score]] = {}
    for score in scores:
        cells.setdefault((score.group, score.source, score.method), []).append(score)
    return {cell: mean_psnr(of_cell) for cell, of_cell in cells.items()}


def _psnr_and_ssim(scores: Sequence[Score]) -> str:
    if not scores:
        return _NOT_MEASURED
    return f"{mean_psnr(scores):.2f} / {fmean(score.ssim or 0.0 for score in scores):.4f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _distinct[T](values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
