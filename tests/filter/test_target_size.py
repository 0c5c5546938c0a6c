from fractions import Fraction

import pytest
import vapoursynth as vs

from vs_espcn.errors import InputError
from vs_espcn.filter.target_size import UpscaleSteps, steps_to


def plan(
    *,
    scale: float = 2,
    width: int | None = None,
    height: int | None = None,
    clip: tuple = (vs.YUV420P8, 960, 540),
) -> UpscaleSteps:
    video, clip_width, clip_height = clip
    blank = vs.core.std.BlankClip(format=video, width=clip_width, height=clip_height, length=1)
    return steps_to(blank, "espcn", scale, width, height)


@pytest.mark.parametrize(
    ("scale", "steps"),
    [
        (1, [2]), (1.5, [2]), (2, [2]), (2.01, [3]), (3, [3]), (3.5, [4]), (4, [4]),
        (5, [2, 3]), (6, [2, 3]), (7, [2, 4]), (8, [2, 4]), (9, [3, 3]), (10, [3, 4]), (12, [3, 4]),
        (16, [4, 4]),
    ],
)  # fmt: skip
def test_the_smallest_networks_that_reach_it(scale: float, steps: list[int]) -> None:
    assert [step.scale for step in plan(scale=scale).steps] == steps


@pytest.mark.parametrize(
    ("clip", "asked", "size"),
    [
        ((vs.YUV420P8, 960, 540), {"height": 1080}, (1920, 1080)),
        ((vs.YUV420P8, 720, 406), {"height": 1080}, (1916, 1080)),
        ((vs.YUV420P8, 640, 272), {"width": 1920}, (1920, 816)),
        ((vs.GRAY8, 641, 271), {"width": 1920}, (1920, 812)),
        ((vs.YUV410P8, 320, 240), {"height": 500}, (668, 500)),
        ((vs.YUV420P8, 100, 70), {"scale": 1.5}, (150, 104)),
        ((vs.YUV420P8, 720, 480), {"width": 1440, "height": 1080}, (1440, 1080)),
    ],
)
def test_aspect_and_chroma_samples_are_kept(clip: tuple, asked: dict, size: tuple[int, int]) -> None:
    result = plan(clip=clip, **asked)
    assert (result.width, result.height) == size


def test_stretching_changes_the_sample_aspect_ratio() -> None:
    assert plan(height=1080).stretch == 1
    assert plan(height=1080, clip=(vs.YUV420P8, 720, 406)).stretch == 1
    # Its height is 425, or 424 in whole chroma samples.
    assert plan(width=1000, clip=(vs.YUV420P8, 640, 272)).stretch == 1
    # 720 → 1440 is 2, 480 → 1080 is 2.25: each sample now stands for more width than height.
    assert plan(width=1440, height=1080, clip=(vs.YUV420P8, 720, 480)).stretch == Fraction(9, 8)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"scale": 16.5}, r"out of reach: espcn has networks for 2, 3, 4, which reach 16 in 2 steps"),
        ({"height": 480}, "854x480 is smaller than the clip's 960x540; this filter only upscales"),
        (
            {"width": 1921, "height": 1080},
            r"1921x1080 does not fit YUV420P8.*multiples of 2x2; use 1920x1080",
        ),
    ],
)
def test_what_cannot_be_reached_is_refused(asked: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(**asked)
