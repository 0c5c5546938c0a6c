"""The int8 networks through the filter: against onnxruntime, the float networks and the ideal."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs
from numpy.typing import NDArray

import vs_espcn
from tests.clips import clip_of, noise_clip, samples
from tests.filter.test_formats import scene
from tests.hardware import needs_exact_int8
from vs_espcn.evaluation.images import read_folders, score_images
from vs_espcn.evaluation.methods import choose
from vs_espcn.evaluation.scores import mean_psnr
from vs_espcn.filter.sample_formats import sample_format
from vs_espcn.networks import graph, registry

INT8, FP32 = (vs_espcn.OpenVINO(precision=name) for name in ("int8", "fp32"))
SHIPPED = [spec for spec in registry.shipped() if spec.is_int8]
EACH = pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.path.stem)
EVAL = Path(__file__).parents[3] / "shared" / "data" / "eval"


def of_floats(spec: registry.ModelSpec) -> str:
    """The network whose int8 form this is."""
    return spec.network.removesuffix(registry.INT8_SUFFIX)


def is_for_clean_sources(spec: registry.ModelSpec) -> bool:
    return not of_floats(spec).endswith(("-video", "-anime"))


FORMATS = [
    (video, full_range)
    for video in (vs.GRAY8, vs.GRAY10, vs.GRAY12, vs.GRAY16, vs.GRAYS)
    for full_range in (False, True)
]
SHALLOW = {"espcn-int8", "subpixel-xs-int8", "subpixel-s-int8"}
IN_ALL = {"espcn-int8", "subpixel-s-int8"}
"""Networks of either kind, tried with every format; the others with one of codes as they are and one not."""


@needs_exact_int8
@pytest.mark.parametrize(
    ("spec", "video", "full_range"),
    [
        pytest.param(spec, *each, id=f"{spec.path.stem}-{each[0].name}-{each[1]}")
        for spec in SHIPPED
        for each in (FORMATS if spec.network in IN_ALL else [(vs.GRAY8, False), (vs.GRAY16, True)])
    ],
)
def test_every_sample_format_is_onnxruntimes(spec: registry.ModelSpec, video: int, full_range: bool) -> None:
    """To an 8-bit code: a sum that lies halfway between two codes may fall to either side.

    Noise is the worst there is for that. In a deep network what fell to the other side moves other
    sums over their edges, layer by layer, so that a few samples in a thousand are further off; in
    the deepest, and those for compressed sources, more are, but never as far as rounding itself is
    off the float network.
    """
    clip = noise_clip(video, 70, 40, _Range=full_range)
    sample = sample_format(clip.format)

    def expected_of(path: Path) -> NDArray[np.float64]:
        network = registry.load_network(path)
        model = graph.build_graph(network, sample, full_range=full_range, width=70, height=40)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (frame,) = session.run(None, {graph.FRAME_NAME: samples(clip)[None, None]})
        return frame[0, 0].astype(np.float64)

    ours = samples(vs_espcn.upscale(clip, spec.scale, network=of_floats(spec), backend=INT8)).astype(float)

    code = max(1, sample.peak // 255) if sample.depth else 1 / 219
    expected = expected_of(spec.path)
    difference = np.abs(ours - expected) / code
    if spec.network in SHALLOW:
        assert (difference > 1).mean() <= (0 if spec.network == "espcn-int8" else 0.005)
        assert difference.mean() < 0.1
    else:
        rounding = np.abs(expected - expected_of(registry.find(of_floats(spec), spec.scale).path)) / code
        assert difference.mean() < rounding.mean() / 2
        assert np.sqrt(np.mean(difference**2)) < np.sqrt(np.mean(rounding**2)) / 2


@needs_exact_int8
@EACH
def test_a_picture_is_that_of_the_float_network(spec: registry.ModelSpec) -> None:
    """0.1 dB at 35 dB, where an error is 4.5 codes, is 0.7 codes beside it."""
    clip = scene(vs.GRAY8)
    exact, fast = (
        samples(vs_espcn.upscale(clip, spec.scale, network=of_floats(spec), backend=backend)).astype(float)
        for backend in (FP32, INT8)
    )
    assert np.sqrt(np.mean((fast - exact) ** 2)) < 0.7


@needs_exact_int8
@pytest.mark.skipif(not EVAL.is_dir(), reason="Set5 and Set14 are not on this machine")
@EACH
def test_quality_is_within_a_tenth_of_a_decibel(spec: registry.ModelSpec) -> None:
    scale = spec.scale
    images = read_folders([EVAL / "Set5"], [scale])
    exact, fast = (
        mean_psnr(score_images(images, choose([of_floats(spec)], [], None, [scale], backend)[0], [scale]))
        for backend in (FP32, INT8)
    )
    assert fast > exact - 0.1


@needs_exact_int8
@EACH
def test_a_ramp_shows_no_bands(spec: registry.ModelSpec) -> None:
    """A ramp of 10-bit codes, seen at 8 bits, is at most a code beside the float network's.

    Where a picture is smooth, a rounded activation errs alike in all nine taps. The frame's own
    border is no smooth area to a network that pads with grey: there a sample may be two codes off.
    Networks for compressed sources weigh their inputs against each other to see through noise, so
    that each error counts more: of theirs one in a thousand may be two codes off.
    """
    ramp = np.tile(np.arange(64, 940), (24, 1)).astype(np.uint16)
    exact, fast = (
        samples(
            vs_espcn.upscale(clip_of(ramp, vs.GRAY10), spec.scale, network=of_floats(spec), backend=backend)
        ).astype(int)
        for backend in (FP32, INT8)
    )
    difference = np.abs((fast + 2) // 4 - (exact + 2) // 4)
    inside = difference[16:-16, 16:-16]
    if is_for_clean_sources(spec):
        assert inside.max() <= 1
    assert difference.max() <= 2
    assert (difference > 1).mean() < (1e-4 if is_for_clean_sources(spec) else 2e-3)
    assert np.abs(fast - exact).mean() / 4 < 0.3


class TestNetworksThemselves:
    """By onnxruntime, operation by operation, which needs no VNNI: what an engine adds has its room above.

    The worst of the shipped networks was 0.63 codes off on a picture; on a ramp, in 8-bit codes, 0.22 in
    the mean, and 2 codes in one sample of a hundred thousand, or of five thousand for compressed sources.
    """

    @staticmethod
    def both(spec: registry.ModelSpec, codes: NDArray[np.generic], depth: int) -> list[NDArray[np.float64]]:
        """The results of the float network and of its int8 form."""
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        results = []
        for path in (registry.find(of_floats(spec), spec.scale).path, spec.path):
            model = graph.build_graph(
                registry.load_network(path),
                graph.SAMPLES[depth],
                full_range=False,
                width=codes.shape[1],
                height=codes.shape[0],
            )
            session = onnxruntime.InferenceSession(model.SerializeToString(), options)
            (frame,) = session.run(None, {graph.FRAME_NAME: codes[None, None]})
            results.append(frame[0, 0].astype(np.float64))
        return results

    @EACH
    def test_a_picture(self, spec: registry.ModelSpec) -> None:
        exact, rounded = self.both(spec, samples(scene(vs.GRAY8)), 8)
        assert np.sqrt(np.mean((rounded - exact) ** 2)) < 0.66

    @EACH
    def test_a_ramp(self, spec: registry.ModelSpec) -> None:
        ramp = np.tile(np.arange(64, 940), (24, 1)).astype(np.uint16)
        exact, rounded = self.both(spec, ramp, 10)
        difference = np.abs((rounded + 2) // 4 - (exact + 2) // 4)
        assert difference.max() <= 2
        assert difference[16:-16, 16:-16].max() <= (1 if is_for_clean_sources(spec) else 2)
        assert (difference > 1).mean() < (2e-5 if is_for_clean_sources(spec) else 3e-4)
        assert np.abs(rounded - exact).mean() / 4 < 0.25
