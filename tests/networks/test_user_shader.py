"""Networks as user shaders of mpv, run through libplacebo where there is a Vulkan device."""

import operator
import re
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs
from PIL import Image

from tests import small_networks
from tests.programs import ROOT
from vs_espcn.errors import InputError
from vs_espcn.networks import registry
from vs_espcn.networks.user_shader import VARIANTS, user_shader

MOST_TEXTURES = 16
"""Textures that a pass may read: of mpv, libplacebo and Metal's samplers."""

needs_placebo = pytest.mark.skipif(
    not hasattr(vs.core, "placebo"), reason="the plugin vs-placebo is not installed"
)


def shader(network: str, scale: int, variant: str, *, full_range: bool = False) -> str:
    model = registry.load_network(registry.find(network, scale).path)
    return user_shader(model, title=f"{network} x{scale}", full_range=full_range, variant=variant)  # type: ignore[arg-type]


def directives(text: str, name: str) -> list[str]:
    return re.findall(rf"^//!{name} (.*)$", text, re.MULTILINE)


def fires(text: str, luma: tuple[int, int], output: tuple[int, int]) -> bool:
    """Evaluate the passes' conditions as mpv does."""
    sizes = dict(zip(("LUMA.w", "LUMA.h", "OUTPUT.w", "OUTPUT.h"), (*luma, *output), strict=True))
    apply: dict[str, Callable[[float, float], float]] = {"*": operator.mul, ">": operator.gt}
    (condition,) = set(directives(text, "WHEN"))
    stack: list[float] = []
    for word in condition.split():
        if word in apply:
            right, left = stack.pop(), stack.pop()
            stack.append(apply[word](left, right))
        else:
            stack.append(sizes.get(word) or float(word))
    return bool(stack.pop())


@pytest.mark.parametrize(
    ("enlargement", "expected"),
    [
        (1, []),
        (1.5, []),
        (1.97, []),
        (2, [2]),
        (2.9, [2]),
        (3, [3]),
        (3.9, [3]),
        (4, [4]),
        (6, [4]),
        (8, [4, 2]),
    ],
)
def test_of_files_in_a_list_the_largest_scale_runs_that_fits(enlargement: float, expected: list[int]) -> None:
    """The largest scale stands first; once one has run, the luma has grown."""
    luma, ran = (640, 360), []
    output = round(640 * enlargement), round(360 * enlargement)
    for scale in (4, 3, 2):
        if fires(shader("subpixel-s", scale, "compute"), luma, output):
            ran.append(scale)
            luma = luma[0] * scale, luma[1] * scale
    assert ran == expected


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_shader_runs_from_its_scale_on_whatever_sizes_are_rounded_to(scale: int) -> None:
    text = shader("subpixel-s", scale, "compute")
    assert fires(text, (853, 480), (853 * scale - 1, 480 * scale))
    assert not fires(text, (640, 360), (640 * scale - 10, 360 * scale - 6))


def test_an_edit_of_its_conditions_lowers_an_x2s_limit() -> None:
    """As the guide has it for 720p on a screen of 1080p."""
    text = shader("subpixel-s", 2, "compute")
    edited = re.sub("(?m)^.*WHEN.*$", lambda line: line[0].replace("1.99", "1.3"), text)
    assert not fires(text, (1280, 720), (1920, 1080))
    assert fires(edited, (1280, 720), (1920, 1080))
    assert not fires(edited, (1280, 720), (1600, 900))


def test_a_window_that_grows_in_one_direction_alone_takes_no_shader() -> None:
    assert not fires(shader("subpixel-xs", 2, "compute"), (640, 360), (1920, 360))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("network", ["espcn", "subpixel-s", "subpixel-m"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_passes_read_only_what_was_written_and_not_too_much(network: str, scale: int, variant: str) -> None:
    saved = {"LUMA"}
    for text in shader(network, scale, variant).split("//!HOOK LUMA\n")[1:]:
        bound = directives(text, "BIND")
        assert saved.issuperset(bound)
        assert len(bound) <= MOST_TEXTURES
        saved.update(directives(text, "SAVE"))
        assert set(re.findall(r"\b(\w+)_(?:raw|tex|texOff|pos|size|pt)\b", text)) <= {*bound, "out"}
    assert not directives(text, "SAVE")  # the last one replaces the luma
    assert directives(text, "WIDTH") == [f"LUMA.w {scale} *"]


def test_numbers_are_glsls() -> None:
    text = shader("subpixel-m", 3, "compute")
    numbers = re.findall(
        r"(?<=[(,])-?[^\s(),;a-z]+(?=[,)])", "".join(re.findall(r"(?:mat4|vec4)\([^a-z]*\)", text))
    )
    assert len(numbers) > 10000
    assert all(re.fullmatch(r"-?(\d+\.\d*|\.\d+)(e-\d+)?|-?\d+e-\d+", number) for number in numbers)


def test_a_network_of_scale_1_is_refused() -> None:
    nodes = [
        small_networks.conv("luma", "kernel", "filtered"),
        small_networks.shuffle("filtered", "upscaled", 1),
    ]
    network = small_networks.network(nodes, {"kernel": small_networks.kernel(1, 1)}, scale=1)
    with pytest.raises(InputError, match="scale is 1"):
        user_shader(network, title="none")


HANDED_OVER = 65280 / 65535
"""libplacebo takes 16-bit planes as code / 65535, where limited range has 255·256 for 1."""


def rendered(text: str, codes: np.ndarray, scale: int) -> np.ndarray:
    """What libplacebo makes of 8-bit luma, in 8-bit codes with fractions."""
    height, width = codes.shape
    grey = vs.core.std.BlankClip(
        width=width, height=height, format=vs.YUV444P16, length=1, color=[0, 1 << 15, 1 << 15]
    )
    grey = vs.core.std.SetFrameProps(grey, _Range=0, _Matrix=1, _Transfer=1, _Primaries=1)

    def filled(n: int, f: vs.VideoFrame) -> vs.VideoFrame:  # noqa: ARG001
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), codes.astype(np.uint16) << 8)
        return frame

    clip = vs.core.placebo.Shader(
        vs.core.std.ModifyFrame(grey, grey, filled),
        shader_s=text,
        width=width * scale,
        height=height * scale,
        linearize=0,
        sigmoidize=0,
        log_level=0,
    )
    return np.asarray(clip.get_frame(0)[0]) / 256


def expected(network: str, codes: np.ndarray, scale: int) -> np.ndarray:
    model = registry.load_network(registry.find(network, scale).path)
    luma = codes[None, None].astype(np.float32) / 255 * np.float32(HANDED_OVER)
    (result,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {registry.INPUT_NAME: luma})
    return np.clip(result[0, 0] * 255 / HANDED_OVER, 0, 65535 / 256)


def picture(width: int, height: int) -> np.ndarray:
    """Waves, an edge and a flat part."""
    y, x = np.mgrid[:height, :width]
    waves = 120 + 70 * np.sin(x / 2.5 + y / 7) * np.cos(y / 4)
    return np.where(x + 2 * y > 90, 200, waves).round().astype(np.uint8)


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(16, 236, (height, width), dtype=np.uint8)


def film(width: int, height: int) -> np.ndarray:
    """Part of a frame of a film, fur before grass, as luma of limited range."""
    shown = Image.open(ROOT / "docs" / "before_after.png").convert("L")
    part = np.asarray(shown.crop((800, 190, 800 + width, 190 + height)), float)
    return (16 + 219 / 255 * part).round().astype(np.uint8)


@pytest.mark.usefixtures("vulkan")
@needs_placebo
class TestOnLibplacebo:
    """The tests at hand; `pytest -m slow` runs every network."""

    @pytest.mark.parametrize(
        ("network", "scale", "variant"),
        [("subpixel-xs", 2, "compute"), ("subpixel-xs-video", 2, "fragment"), ("subpixel-s", 3, "compute")],
    )
    def test_within_a_code_of_onnxruntime_up_to_the_edges(
        self, network: str, scale: int, variant: str
    ) -> None:
        self.check(network, scale, variant)

    @pytest.mark.slow
    @pytest.mark.parametrize("variant", VARIANTS)
    @pytest.mark.parametrize(
        "spec", [spec for spec in registry.shipped() if not spec.is_int8], ids=lambda spec: spec.path.stem
    )
    def test_every_network(self, spec: registry.ModelSpec, variant: str) -> None:
        self.check(spec.network, spec.scale, variant)

    @staticmethod
    def check(network: str, scale: int, variant: str) -> None:
        text = shader(network, scale, variant)
        for codes in (noise(37, 23), picture(37, 23), film(37, 23)):
            difference = np.abs(rendered(text, codes, scale) - expected(network, codes, scale))
            assert difference.max() <= 1
            assert difference.mean() <= 0.2

    def test_centred_to_a_hundredth_of_a_sample(self) -> None:
        """A blob is where onnxruntime puts it; the network itself moves it by 0.02."""
        y, x = np.mgrid[:24, :32]
        codes = (40 + 160 * np.exp(-((x - 15.5) ** 2 + (y - 11.5) ** 2) / 8)).round().astype(np.uint8)

        def centre(result: np.ndarray) -> tuple[float, float]:
            above = np.where(result > 48, result - 40, 0)
            y, x = np.mgrid[:48, :64]
            return (above * x).sum() / above.sum(), (above * y).sum() / above.sum()

        for variant in VARIANTS:
            blob = rendered(shader("subpixel-xs", 2, variant), codes, 2)
            assert centre(blob) == pytest.approx(centre(expected("subpixel-xs", codes, 2)), abs=0.01)
            assert centre(blob) == pytest.approx((31.5, 23.5), abs=0.05)

    def test_a_picture_that_is_not_enlarged_passes_as_it_is(self) -> None:
        codes = noise(24, 16)
        assert np.abs(rendered(shader("subpixel-xs", 2, "compute"), codes, 1) - codes).max() <= 0.01

    def test_full_range_means_the_same_to_the_network(self) -> None:
        """Handed over as limited range, whose 0 … 255 full range's black and white are here."""
        text = shader("subpixel-xs", 2, "compute", full_range=True)
        codes = noise(24, 16)
        model = registry.load_network(registry.find("subpixel-xs", 2).path)
        sample = codes[None, None].astype(np.float32) / 255 * np.float32(HANDED_OVER)
        (result,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {registry.INPUT_NAME: (16 + 219 * sample) / 255}
        )
        codes_out = np.clip((result[0, 0] * 255 - 16) / 219 / HANDED_OVER * 255, 0, 255)
        assert np.abs(rendered(text, codes, 2) - codes_out).max() <= 1
