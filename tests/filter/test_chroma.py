import numpy as np
import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

import vs_espcn
from tests.clips import clip_of, largest_difference, noise_clip, samples
from vs_espcn.errors import InputError
from vs_espcn.filter.chroma import KERNELS, chroma_location, find_resizer, scale_chroma

FORMATS = (vs.YUV420P8, vs.YUV422P8, vs.YUV444P8)


@settings(deadline=None, max_examples=60)
@given(
    video=st.sampled_from(FORMATS),
    size=st.tuples(st.integers(3, 60), st.integers(3, 40)).map(lambda half: (2 * half[0], 2 * half[1])),
    scale=st.sampled_from([2, 3, 4]),
    kernel=st.sampled_from(KERNELS),
    location=st.sampled_from(list(vs.ChromaLocation)),
    full_range=st.booleans(),
)
def test_chroma_equals_zimg_scaling_the_whole_clip(
    video: vs.PresetVideoFormat,
    size: tuple[int, int],
    scale: int,
    kernel: str,
    location: vs.ChromaLocation,
    full_range: bool,
) -> None:
    width, height = size
    clip = noise_clip(video, width, height, _ChromaLocation=location, _Range=full_range)
    resize = getattr(vs.core.resize, kernel.capitalize())
    whole = resize(clip, width=width * scale, height=height * scale)

    planes = scale_chroma(
        clip, width * scale, height * scale, resizer=find_resizer(kernel), location=location
    )

    for index, plane in enumerate(planes, start=1):
        assert (samples(plane) == samples(whole, index)).all()


def test_siting_is_left_unless_said() -> None:
    assert chroma_location({}) == vs.CHROMA_LEFT
    assert chroma_location({"_ChromaLocation": 2}) == vs.CHROMA_TOP_LEFT


def test_unknown_siting_is_refused() -> None:
    with pytest.raises(InputError, match="_ChromaLocation is 9; accepted are 0 to 5"):
        chroma_location({"_ChromaLocation": 9})


@pytest.mark.parametrize(
    ("kernel", "parameters"),
    [
        ("bicubic:0:0.5", {"filter_param_a": 0, "filter_param_b": 0.5}),
        ("bicubic:0.3", {"filter_param_a": 0.3}),
        ("lanczos:4", {"filter_param_a": 4}),
    ],
)
def test_kernels_take_parameters(kernel: str, parameters: dict[str, float]) -> None:
    clip = noise_clip(vs.YUV420P8, 40, 30)
    planes = scale_chroma(clip, 80, 60, resizer=find_resizer(kernel), location=vs.CHROMA_LEFT)
    resize = getattr(vs.core.resize, kernel.split(":", maxsplit=1)[0].capitalize())
    whole = resize(clip, width=80, height=60, **parameters)
    for index, plane in enumerate(planes, start=1):
        assert np.array_equal(samples(plane), samples(whole, index))


@pytest.mark.parametrize("size", [(66, 50), (100, 90), (41 * 2, 30 * 2)])
def test_sizes_that_are_no_whole_multiple(size: tuple[int, int]) -> None:
    clip = noise_clip(vs.YUV420P8, 40, 30, _ChromaLocation=2)
    planes = scale_chroma(clip, *size, resizer=find_resizer("spline36"), location=vs.CHROMA_TOP_LEFT)
    whole = vs.core.resize.Spline36(clip, width=size[0], height=size[1])
    for index, plane in enumerate(planes, start=1):
        assert np.array_equal(samples(plane), samples(whole, index))


def test_a_function_scales_chroma_alone_and_siting_is_still_right() -> None:
    seen = []

    def double(plane: vs.VideoNode) -> vs.VideoNode:
        seen.append((plane.format.color_family, plane.width, plane.height))
        return vs.core.resize.Spline36(plane, width=plane.width * 2, height=plane.height * 2)

    y, x = np.mgrid[:32, :32]
    smooth = (128 + 60 * np.sin(x / 5) * np.cos(y / 6)).astype(np.uint8)
    clip = vs.core.std.ShufflePlanes(
        [noise_clip(vs.GRAY8, 64, 64), *(clip_of(smooth, vs.GRAY8) for _ in "UV")], [0, 0, 0], vs.YUV
    )
    result = vs_espcn.upscale(clip, 2, chroma=double)
    whole = vs.core.resize.Spline36(clip, width=128, height=128)
    assert seen == [(vs.GRAY, 32, 32)] * 2
    for index in (1, 2):
        # A second resampling by a quarter of a sample costs a little; a wrong siting costs 6 codes.
        assert largest_difference(samples(result, index)[4:-4, 4:-4], samples(whole, index)[4:-4, 4:-4]) <= 1


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("location", list(vs.ChromaLocation))
@pytest.mark.parametrize("across", [False, True])
def test_a_function_gets_the_whole_shift(location: vs.ChromaLocation, scale: int, across: bool) -> None:
    """On a ramp of 1,800 codes per sample half of the shift would be off by 170 codes at least."""
    ramp = np.tile(np.arange(1000, 1000 + 32 * 1800, 1800, dtype=np.uint16), (32, 1))
    chroma = clip_of(ramp.T if across else ramp, vs.GRAY16)
    clip = vs.core.std.ShufflePlanes([noise_clip(vs.GRAY16, 64, 64), chroma, chroma], [0, 0, 0], vs.YUV)
    clip = vs.core.std.SetFrameProps(clip, _ChromaLocation=location)

    def enlarged(plane: vs.VideoNode) -> vs.VideoNode:
        return vs.core.resize.Spline36(plane, width=plane.width * scale, height=plane.height * scale)

    result = vs_espcn.upscale(clip, scale, chroma=enlarged)
    whole = vs.core.resize.Spline36(clip, width=64 * scale, height=64 * scale)
    inside = (slice(8 * scale, -8 * scale),) * 2
    for index in (1, 2):
        assert largest_difference(samples(result, index)[inside], samples(whole, index)[inside]) <= 2


def test_a_function_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(
        vs.Error, match="vs_espcn: the chroma function returned 8x8 Gray8; it must return 16x16 Gray8"
    ):
        vs_espcn.upscale(noise_clip(vs.YUV420P8, 16, 16), chroma=lambda plane: plane)


def test_a_function_that_returns_no_clip_is_refused() -> None:
    with pytest.raises(vs.Error, match="vs_espcn: the chroma function returned a NoneType; it must return"):
        vs_espcn.upscale(noise_clip(vs.YUV420P8, 16, 16), chroma=lambda plane: None)  # noqa: ARG005


@pytest.mark.parametrize("kernel", ["mitchel", "", "Spline36", 3])
def test_unknown_kernels_are_refused(kernel: object) -> None:
    with pytest.raises(InputError, match=r"chroma kernel .* is not known; choose one of bilinear"):
        find_resizer(kernel)


@pytest.mark.parametrize(
    "kernel",
    [
        "lanczos:x",
        "lanczos:",
        "lanczos:0",
        "lanczos:2.5",
        "lanczos:16",
        "bicubic:1:2:3",
        "bicubic:nan",
        "spline36:1",
    ],
)
def test_wrong_parameters_are_refused(kernel: str) -> None:
    with pytest.raises(InputError, match=r"has wrong parameters; accepted are bicubic:B:C, lanczos:TAPS"):
        find_resizer(kernel)
