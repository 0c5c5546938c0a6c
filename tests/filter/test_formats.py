"""Format × size × range × siting × engine, against the float64 model and zimg."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

import vs_espcn
from tests import reference
from tests.clips import clip_of, largest_difference, noise_clip, samples
from tests.hardware import HAS_BF16, needs_bf16
from vs_espcn.errors import BackendError, RuntimeMissingError
from vs_espcn.filter import luma, vsmlrt
from vs_espcn.networks import registry
from vs_espcn.runtime.backends import Backend
from vs_espcn.runtime.default_backend import probe

FLOAT_NETWORKS = [spec for spec in registry.shipped() if not spec.is_int8]
FP32 = vs_espcn.OpenVINO(precision="fp32")

ENGINES = {
    "openvino-fp32": FP32,
    "openvino-bf16": vs_espcn.OpenVINO(precision="bf16"),
    "plugin-fp32": FP32,
    "tensorrt-fp32": vs_espcn.TensorRT(precision="fp32"),
    "tensorrt-fp16": vs_espcn.TensorRT(precision="fp16"),
    "torch-fp32": vs_espcn.Torch(precision="fp32"),
    "torch-fp16": vs_espcn.Torch(precision="fp16"),
}

SUBSAMPLINGS = {
    "4:4:4": (0, 0),
    "4:2:2": (1, 0),
    "4:2:0": (1, 1),
    "4:4:0": (0, 1),
    "4:1:1": (2, 0),
    "4:1:0": (2, 2),
}
DEPTHS = [(vs.INTEGER, depth) for depth in range(8, 17)] + [(vs.FLOAT, 16), (vs.FLOAT, 32)]


def video_format(family: str, sample_type: vs.SampleType, bits: int) -> vs.VideoFormat:
    if family == "GRAY":
        return vs.core.query_video_format(vs.GRAY, sample_type, bits, 0, 0)
    return vs.core.query_video_format(vs.YUV, sample_type, bits, *SUBSAMPLINGS[family])


def tolerance(precision: str, sample_type: vs.SampleType, bits: int) -> float:
    """In codes: what rounding and the arithmetic may add to the model; float samples in units of white.

    On noise, the worst that a network can be given: bf16 has 8 significant
    bits, which hold an 8-bit code but round any other sample (6 codes on a
    large frame); fp16 has 11.
    """
    exact = sample_type == vs.INTEGER and bits == 8
    of_white = {"fp32": 0.0, "fp16": 1 / 255, "bf16": (3 if exact else 8) / 255}[precision]
    if sample_type == vs.FLOAT:
        return of_white + (1e-4 if bits == 32 else 2e-3)
    return of_white * 2**bits + 1  # of which rounding takes a half


@contextmanager
def only(engine: str) -> Iterator[Backend]:
    """The engine's backend; without the plugin's rival for as long, where it is the plugin."""
    with pytest.MonkeyPatch.context() as patch:
        if engine.startswith("plugin"):
            if not vsmlrt.is_present():
                pytest.skip("vapoursynth-mlrt-ov is not installed")
            patch.setattr(luma, "open_engine", openvino_is_missing)
        yield usable(ENGINES[engine])


@cache
def usable(backend: Backend) -> Backend:
    """The backend itself; skips the test where it cannot run."""
    if isinstance(backend, vs_espcn.OpenVINO):
        if backend.precision == "bf16" and not HAS_BF16:
            pytest.skip("the processor has no bf16 arithmetic")
        return backend
    try:
        probe(backend)
    except BackendError as error:
        pytest.skip(str(error))
    return backend


def openvino_is_missing(*_: object, **__: object) -> None:
    raise RuntimeMissingError("as in vspipe, whose plugin has loaded its own OpenVINO")


@pytest.mark.parametrize("engine", ENGINES)
@settings(deadline=None, max_examples=40)
@given(
    family=st.sampled_from(["GRAY", *SUBSAMPLINGS]),
    kind=st.sampled_from(DEPTHS),
    units=st.tuples(st.integers(1, 12), st.integers(1, 9)),
    scale=st.sampled_from([2, 3, 4]),
    full_range=st.booleans(),
    location=st.sampled_from(list(vs.ChromaLocation)),
    kernel=st.sampled_from(["spline36", "bicubic", "lanczos"]),
)
def test_luma_is_the_models_and_chroma_is_zimgs(
    engine: str,
    family: str,
    kind: tuple[vs.SampleType, int],
    units: tuple[int, int],
    scale: int,
    full_range: bool,
    location: vs.ChromaLocation,
    kernel: str,
) -> None:
    video = video_format(family, *kind)
    width, height = units[0] << video.subsampling_w, units[1] << video.subsampling_h
    clip = noise_clip(video.id, width, height, _Range=full_range, _ChromaLocation=location)

    with only(engine) as backend:
        result = vs_espcn.upscale(clip, scale, network="espcn", backend=backend, chroma=kernel)

    assert result.format.id == video.id
    assert (result.width, result.height) == (width * scale, height * scale)
    assert dict(result.get_frame(0).props) == dict(clip.get_frame(0).props)
    depth = kind[1] if kind[0] == vs.INTEGER else None
    model = reference.upscale_luma(samples(clip), scale, depth=depth, full_range=full_range)
    assert largest_difference(samples(result), model) <= tolerance(backend.precision, *kind)
    if family != "GRAY":
        resize = getattr(vs.core.resize, kernel.capitalize())
        whole = resize(clip, width=width * scale, height=height * scale)
        for index in (1, 2):
            assert np.array_equal(samples(result, index), samples(whole, index))


@pytest.mark.parametrize("spec", FLOAT_NETWORKS, ids=lambda spec: spec.path.stem)
def test_every_network_is_its_model(spec: registry.ModelSpec) -> None:
    clip = noise_clip(vs.GRAY16, 33, 21, _Range=False, _ChromaLocation=vs.CHROMA_LEFT)
    result = vs_espcn.upscale(clip, spec.scale, network=spec.network, backend=FP32)
    model = reference.upscale_luma(
        samples(clip), spec.scale, depth=16, full_range=False, network=spec.network
    )
    assert largest_difference(samples(result), model) <= tolerance("fp32", vs.INTEGER, 16)


@pytest.mark.parametrize("precision", ["auto", pytest.param("bf16", marks=needs_bf16)])
@pytest.mark.parametrize("spec", FLOAT_NETWORKS, ids=lambda spec: spec.path.stem)
def test_auto_costs_nothing_that_can_be_measured(precision: str, spec: registry.ModelSpec) -> None:
    """Against fp32 on a picture: under 0.25 code in the mean, 1.5 at most."""
    clip = scene(vs.GRAY8)
    fp32 = samples(vs_espcn.upscale(clip, spec.scale, network=spec.network, backend=FP32)).astype(int)
    backend = vs_espcn.OpenVINO(precision=precision)
    fast = samples(vs_espcn.upscale(clip, spec.scale, network=spec.network, backend=backend))
    difference = np.abs(fast - fp32)
    assert difference.mean() < 0.25
    assert difference.max() <= 1


def scene(video: vs.PresetVideoFormat) -> vs.VideoNode:
    """Ramps, edges and texture, as pictures have them."""
    y, x = np.mgrid[:96, :160].astype(np.float64)
    picture = 40 + x + 30 * np.sin(x * y / 90) * (y > 48) - 60 * (np.hypot(x - 80, y - 40) < 25)
    codes = np.clip(picture, 16, 235).round().astype(np.uint8)
    return vs.core.resize.Point(clip_of(codes, vs.GRAY8), format=video)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_colour_bars_keep_their_codes(scale: int, depth: int) -> None:
    """75 % bars at BT.709, in the middle of each bar, to one 8-bit code."""
    bars = [(180, 128, 128), (168, 44, 136), (145, 147, 44), (134, 63, 52), (63, 193, 204), (51, 109, 212)]
    video = vs.core.query_video_format(vs.YUV, vs.INTEGER, depth, 1, 1).id
    unit = 1 << (depth - 8)
    clip = vs.core.std.StackHorizontal(
        [
            vs.core.std.BlankClip(
                width=32, height=32, format=video, length=1, color=[code * unit for code in bar]
            )
            for bar in bars
        ]
    )
    result = vs_espcn.upscale(clip, scale)
    for index in range(3):
        plane = samples(result, index)
        bar_width = plane.shape[1] // len(bars)
        for number, bar in enumerate(bars):
            middle = plane[
                plane.shape[0] // 2,
                number * bar_width + bar_width // 3 : (number + 1) * bar_width - bar_width // 3,
            ]
            allowed = unit if index == 0 else 0
            assert np.abs(middle.astype(int) - bar[index] * unit).max() <= allowed


@pytest.mark.parametrize("video", [vs.GRAY8, vs.GRAY16])
def test_a_ramp_stays_a_ramp(video: vs.PresetVideoFormat) -> None:
    unit = 1 if video == vs.GRAY8 else 256
    ramp = np.tile(np.arange(16, 236), (24, 1)) * unit
    result = samples(vs_espcn.upscale(clip_of(ramp.astype(np.uint16 if unit > 1 else np.uint8), video), 2))
    row = result[24, 20:-20].astype(float) / unit
    expected = 16 + (np.arange(20, 440 - 20) + 0.5) / 2 - 0.5
    assert np.abs(row - expected).max() <= 1


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("location", list(vs.ChromaLocation))
def test_a_centred_impulse_stays_centred(scale: int, location: vs.ChromaLocation) -> None:
    """To a hundredth of a source pixel, in luma and, wherever it is sited, in chroma."""
    side = 64
    luma_x, luma_y = 30.0, 34.0
    off_x = 0.5 if location in {vs.CHROMA_CENTER, vs.CHROMA_TOP, vs.CHROMA_BOTTOM} else 0.0
    off_y = {vs.CHROMA_LEFT: 0.5, vs.CHROMA_CENTER: 0.5}.get(
        location, 1.0 if location in {vs.CHROMA_BOTTOM, vs.CHROMA_BOTTOM_LEFT} else 0.0
    )
    planes = [
        clip_of(blob(side, luma_x, luma_y, 80, 100, 2.0), vs.GRAYS),
        *(
            clip_of(blob(side // 2, (luma_x - off_x) / 2, (luma_y - off_y) / 2, 0, 0.4, 2.0), vs.GRAYS)
            for _ in "UV"
        ),
    ]
    clip = vs.core.std.ShufflePlanes(planes, [0, 0, 0], vs.YUV)
    clip = vs.core.std.SetFrameProps(clip, _ChromaLocation=location)

    result = vs_espcn.upscale(clip, scale)

    x, y = centroid(samples(result))
    assert ((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5) == pytest.approx((luma_x, luma_y), abs=0.01)
    for index in (1, 2):
        # From chroma samples to luma samples of the result by the siting, then to the source's.
        x, y = centroid(samples(result, index))
        in_luma = (2 * x + off_x, 2 * y + off_y)
        back = tuple((value + 0.5) / scale - 0.5 for value in in_luma)
        assert back == pytest.approx((luma_x, luma_y), abs=0.01)


def blob(side: int, x: float, y: float, base: float, height: float, sigma: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    values = base + height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return (values / 255 if base else values).astype(np.float32)


def centroid(plane: np.ndarray) -> tuple[float, float]:
    weights = plane.astype(np.float64) - np.median(plane)
    weights[weights < 0.02 * weights.max()] = 0
    rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
    return (weights * columns).sum() / weights.sum(), (weights * rows).sum() / weights.sum()
