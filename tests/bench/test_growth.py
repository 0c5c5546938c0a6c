"""Growth with cores and sizes, on the real thing but briefly."""

import os

import pytest

from vs_espcn.bench import growth
from vs_espcn.bench.cpu import FilterSettings


def test_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SIZES", ((96, 64), (192, 128)))
    points = list(
        growth.by_size(FilterSettings(network="espcn", scale=2, precision="fp32"), frames=1, repeats=1)
    )
    assert [point.size for point in points] == ["96x64", "192x128"]
    for point in points:
        width, height = map(int, point.size.split("x"))
        assert point.ns_per_pixel * point.fps * width * height == pytest.approx(1e9)


def test_by_cores_leaves_this_process_all_of_them() -> None:
    before = os.sched_getaffinity(0)
    points = list(
        growth.by_cores(FilterSettings(network="subpixel-m", scale=4, precision="fp32"), frames=1, repeats=1)
    )
    assert os.sched_getaffinity(0) == before
    assert points[0].cores == 1
    assert points[0].network == "subpixel-m"
    assert points[-1].cores == len(before)
