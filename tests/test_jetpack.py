"""As a user of vs-jetpack meets it."""

import numpy as np
import pytest
import vapoursynth as vs

import vs_espcn
from tests.clips import clip_of, largest_difference, noise_clip, samples

pytest.importorskip("vsscale", reason="vsjetpack is not installed")

from vskernels import Bilinear, Catrom, Lanczos, Scaler

from vs_espcn.jetpack import ESPCN


def test_it_is_a_scaler_among_the_others() -> None:
    assert issubclass(ESPCN, Scaler)
    assert isinstance(Scaler.ensure_obj(ESPCN), ESPCN)
    assert ESPCN().kernel_radius == 4


@pytest.mark.parametrize("video", [vs.GRAY8, vs.GRAYS, vs.YUV420P8, vs.YUV444P16])
def test_supersample_doubles_through_the_filter(video: int) -> None:
    clip = noise_clip(video, 40, 30)
    result = ESPCN().supersample(clip)
    ours = vs_espcn.upscale(clip, 2, chroma="bicubic:0:0.5")
    assert (result.width, result.height, result.format.id) == (80, 60, video)
    assert np.array_equal(samples(result), samples(ours))


def test_scale_to_any_size_uses_the_scaler() -> None:
    clip = noise_clip(vs.GRAY8, 40, 30)
    for scaler in (Bilinear, Lanczos):
        result = ESPCN(scaler=scaler).scale(clip, 100, 70)
        expected = scaler().scale(vs_espcn.upscale(clip, 3), 100, 70)
        assert np.array_equal(samples(result), samples(expected))


def test_scaling_to_the_same_or_a_smaller_size_supersamples_first() -> None:
    clip = noise_clip(vs.GRAY8, 40, 30)
    assert (ESPCN().scale(clip).width, ESPCN().scale(clip, 20, 16).height) == (40, 16)


def test_shift_moves_the_picture() -> None:
    ramp = clip_of(np.tile(np.arange(40, 200, 2, dtype=np.uint8), (40, 1)), vs.GRAY8)
    still, moved = ESPCN().supersample(ramp), ESPCN(shifter=Catrom).supersample(ramp, shift=(0, 1))
    inside = (slice(20, -20), slice(20, -20))
    difference = samples(moved)[inside].astype(int) - samples(still)[inside]
    assert difference.mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("size", "scale"), [((80, 60), 2), ((100, 70), 3), ((240, 180), 6)])
def test_auto_chooses_among_the_networks_of_the_scale(size: tuple[int, int], scale: int) -> None:
    clip = noise_clip(vs.GRAY8, 40, 30)
    result = ESPCN(network="auto", source="clean").scale(clip, *size)
    expected = Catrom().scale(vs_espcn.upscale(clip, scale, network="auto", source="clean"), *size)
    assert np.array_equal(samples(result), samples(expected))


def test_errors_are_the_filters() -> None:
    with pytest.raises(vs.Error, match="vs_espcn: the clip is interlaced"):
        ESPCN().supersample(vs.core.std.SetFieldBased(noise_clip(vs.GRAY8, 16, 16), 1))
    with pytest.raises(vs.Error, match="vs_espcn: network 'waifu' is not shipped"):
        ESPCN(network="waifu").supersample(noise_clip(vs.GRAY8, 16, 16))
    with pytest.raises(vs.Error, match="vs_espcn: source='video' is for network='auto'"):
        ESPCN(network="espcn", source="video").supersample(noise_clip(vs.GRAY8, 16, 16))
    with pytest.raises(vs.Error, match="vs_espcn: scale 17 is out of reach"):
        ESPCN().scale(noise_clip(vs.GRAY8, 16, 16), 272, 272)


def test_it_can_serve_as_the_backend_chosen() -> None:
    clip = noise_clip(vs.GRAY8, 40, 30)
    fp32 = vs_espcn.OpenVINO(precision="fp32")
    result = ESPCN(fp32, tile=(20, 20)).supersample(clip)
    assert largest_difference(samples(result), samples(vs_espcn.upscale(clip, backend=fp32))) <= 1


@pytest.mark.parametrize("name", ["format", "linear", "shfit", "sigmoid"])
def test_arguments_that_mean_nothing_here_are_named(name: str) -> None:
    clip = noise_clip(vs.GRAY8, 16, 16)
    accepted = "accepted are width, height, shift and copy_props"
    with pytest.raises(vs.Error, match=f"vs_espcn: ESPCN.scale takes no argument '{name}'; {accepted}"):
        ESPCN().scale(clip, 32, 32, **{name: 1})
    with pytest.raises(vs.Error, match=f"vs_espcn: ESPCN.scale takes no argument '{name}'; {accepted}"):
        ESPCN().supersample(clip, **{name: 1})
    with pytest.raises(
        vs.Error, match=f"vs_espcn: ESPCN takes no argument '{name}'; accepted are backend, net"
    ):
        ESPCN(**{name: 1})


def test_properties_are_copied_where_that_is_asked_for() -> None:
    clip = noise_clip(vs.GRAY8, 16, 16, _SARNum=4, _SARDen=3, _ChromaLocation=1)
    shifted = {"width": 40, "height": 32, "shift": (0, 1)}
    for copy_props in (False, True):
        props = dict(ESPCN().scale(clip, **shifted, copy_props=copy_props).get_frame(0).props)
        assert (props == dict(clip.get_frame(0).props)) == copy_props
        props = dict(ESPCN(copy_props=copy_props).scale(clip, **shifted).get_frame(0).props)
        assert (props == dict(clip.get_frame(0).props)) == copy_props


def test_a_varying_clip_is_refused_with_the_fix() -> None:
    clip = vs.core.std.Splice([noise_clip(vs.GRAY8, side, 16) for side in (16, 24)], mismatch=True)
    with pytest.raises(vs.Error, match=r"varies, which ESPCN .* does not take; use vs_espcn\.upscale"):
        ESPCN().scale(clip, 64, 64)


def test_alpha_of_a_wrong_type_is_the_filters_error() -> None:
    clip = vs.core.std.SetFrameProps(noise_clip(vs.YUV420P8, 16, 16), _Alpha=1)
    with pytest.raises(vs.Error, match="vs_espcn: _Alpha is a int; it has to be a GRAY frame"):
        ESPCN().supersample(clip)
