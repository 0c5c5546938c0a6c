"""Peers compute the same picture sizes as we do, and those that are absent are named."""

import pytest
import vapoursynth as vs

from vs_espcn.bench import peers as peers_module
from vs_espcn.bench.cpu import UpscaleCase
from vs_espcn.bench.interleaving import grey_clip
from vs_espcn.bench.peers import BICUBIC, OPENCV, ORT_CLIP, OV_CLIP, OV_LUMA, peers


def test_every_peer_runs_or_is_named() -> None:
    case = UpscaleCase(scale=4, width=96, height=64)
    present, missing = peers(grey_clip(*case.source), "espcn", 4)
    for contestant in present:
        contestant.run(1)
    named = {each.key.name for each in present} | {line.partition(": ")[0] for line in missing}
    assert named == {OV_LUMA, OV_CLIP, ORT_CLIP, OPENCV, BICUBIC}
    assert BICUBIC in {each.key.name for each in present}


def test_what_is_absent_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "find_spec", lambda _: None)
    _, missing = peers(grey_clip(*UpscaleCase(scale=4, width=96, height=64).source), "espcn", 4)
    text = "\n".join(missing)
    assert (
        f"{OPENCV}: the module cv2 is not installed; in a clone of vs-espcn, run `uv sync --extra bench`"
        in text
    )
    if not hasattr(vs.core, "ort"):
        assert "install vapoursynth-mlrt-ort" in text


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sources_are_even_and_outputs_what_they_say(scale: int) -> None:
    case = UpscaleCase(scale=scale, width=480, height=270)
    clip = grey_clip(*case.source, frames=1)
    assert clip.width % 2 == clip.height % 2 == 0
    assert case.size == f"{clip.width * scale}x{clip.height * scale}"
    assert 270 <= clip.height * scale < 270 + 2 * scale
