import io
from typing import Any

from PIL import Image

from vs_espcn.bench.chart import draw
from vs_espcn.bench.cpu import FILTER, CpuResult


def test_a_chart_has_a_bar_for_each_result() -> None:
    figures: dict[str, Any] = {
        "ms": 10.0,
        "slowest": 90.0,
        "fastest": 110.0,
        "of_raw": None,
        "of_plugin": None,
    }
    rows = [
        CpuResult(
            name=name, network="espcn", scale=scale, size="1920x1080", precision="fp32", fps=fps, **figures
        )
        for scale in (2, 3)
        for name, fps in ((FILTER, 100.0), ("another", 50.0))
    ]
    short, tall = (Image.open(io.BytesIO(draw(of_chart))) for of_chart in (rows[:2], rows))
    assert short.format == "PNG"
    assert tall.height > short.height
