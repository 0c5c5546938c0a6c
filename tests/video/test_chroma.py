import pytest
import vapoursynth as vs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clips import noise_clip, samples
from vs_espcn.errors import InputError
from vs_espcn.video.chroma import KERNELS, chroma_location, find_resizer, scale_chroma

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


def test_unknown_kernel_is_refused() -> None:
    with pytest.raises(InputError, match="chroma kernel 'mitchel' is not known; choose one of bilinear"):
        find_resizer("mitchel")
