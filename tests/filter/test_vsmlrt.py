"""vs-mlrt's plugin beside us: in its presence `import openvino` fails, and the filter must not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import largest_difference, noise_clip, samples
from tests.hardware import needs_exact_int8
from vs_espcn.errors import BackendError, RuntimeMissingError
from vs_espcn.filter import luma, vsmlrt
from vs_espcn.filter.sample_formats import sample_format
from vs_espcn.networks import graph, registry
from vs_espcn.runtime.precision import network_for

pytestmark = pytest.mark.skipif(not vsmlrt.is_present(), reason="vapoursynth-mlrt-ov is not installed")


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("width", "height"), [(64, 32), (37, 21)])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("precision", ["fp32", pytest.param("int8", marks=needs_exact_int8)])
def test_the_plugin_gives_the_engines_codes(
    scale: int, width: int, height: int, full_range: bool, precision: str
) -> None:
    clip = noise_clip(vs.GRAY8, width, height, _Range=full_range)
    backend = vs_espcn.OpenVINO(precision=precision)
    model = graph.build_graph(
        network_for(registry.find("espcn", scale), backend),
        graph.UINT8.in_float(),
        full_range=full_range,
        width=width,
        height=height,
    )

    through_plugin = vsmlrt.upscale_with_plugin(clip, model, backend, tile=(width, height), overlap=4)

    ours = vs_espcn.upscale(clip, scale, network="espcn", backend=backend)
    assert largest_difference(samples(through_plugin), samples(ours)) <= 1


@pytest.mark.parametrize("video", [vs.GRAY8, vs.GRAY10, vs.GRAY16, vs.GRAYH, vs.GRAYS])
@pytest.mark.parametrize("tile", [(90, 60), (40, 32)])
def test_every_sample_format_and_tiles(video: int, tile: tuple[int, int]) -> None:
    clip = noise_clip(video, 90, 60)
    sample = sample_format(clip.format)
    backend = vs_espcn.OpenVINO(precision="fp32")
    model = graph.build_graph(
        registry.load_network(registry.find("espcn", 2).path),
        sample.in_float(),
        full_range=False,
        width=tile[0],
        height=tile[1],
    )

    through_plugin = vsmlrt.upscale_with_plugin(clip, model, backend, tile=tile, overlap=4)

    ours = vs_espcn.upscale(clip, 2, network="espcn", backend=backend)
    assert through_plugin.format.id == clip.format.id
    allowed = 1 if sample.depth else 2e-3
    assert largest_difference(samples(through_plugin), samples(ours)) <= allowed


def test_an_unknown_device_is_an_error_of_one_line() -> None:
    clip = noise_clip(vs.GRAY8, 16, 16)
    model = graph.build_graph(
        registry.load_network(registry.find("espcn", 2).path),
        graph.UINT8.in_float(),
        full_range=False,
        width=16,
        height=16,
    )
    with pytest.raises(BackendError, match=r"core\.ov\.Model cannot run the network on TOASTER") as raised:
        vsmlrt.upscale_with_plugin(clip, model, vs_espcn.OpenVINO(device="TOASTER"), tile=(16, 16), overlap=4)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("range_", [None, "full"])
def test_a_later_interlaced_frame_is_refused(monkeypatch: pytest.MonkeyPatch, range_: str | None) -> None:
    def openvino_is_missing(*_: object, **__: object) -> None:
        raise RuntimeMissingError("as in vspipe")

    monkeypatch.setattr(luma, "open_engine", openvino_is_missing)
    clip = noise_clip(vs.GRAY8, 16, 16)
    result = vs_espcn.upscale(
        clip + vs.core.std.SetFieldBased(clip, 2), range=range_, backend=vs_espcn.OpenVINO(precision="fp32")
    )
    result.get_frame(0)
    with pytest.raises(vs.Error, match="vs_espcn: frame 1: the clip is interlaced"):
        result.get_frame(1)


SCRIPT = """
import sys
import numpy as np
import vapoursynth as vs
vs.core.ov  # the plugin comes first, as it does in vspipe
try:
    import openvino
except ImportError:
    pass
else:
    sys.exit("openvino could be imported: this machine doesn't show the clash")
import vs_espcn
from tests.clips import noise_clip, samples
clip = noise_clip(vs.YUV420P8, 48, 32, length=4)
result = vs_espcn.upscale(clip, 2, backend=vs_espcn.OpenVINO(precision="fp32"))
np.save(sys.argv[1], np.stack([samples(result, 0, n) for n in range(4)]))
"""


def test_the_filter_works_after_the_plugin_has_taken_openvinos_place(tmp_path: Path) -> None:
    output = tmp_path / "luma.npy"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, output],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if "doesn't show the clash" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    ours = vs_espcn.upscale(
        noise_clip(vs.YUV420P8, 48, 32, length=4), 2, backend=vs_espcn.OpenVINO(precision="fp32")
    )
    for n, plane in enumerate(np.load(output)):
        assert largest_difference(plane, samples(ours, 0, n)) <= 1
