import hashlib
import json

import pytest

from vs_espcn.networks import registry
from vs_espcn.networks.quality import SOURCES, Quality, quality_of

RENEW = "run scripts/dev/network_quality.py DATA"


@pytest.mark.parametrize("spec", registry.shipped(), ids=lambda spec: spec.path.stem)
def test_every_network_was_measured_as_it_is(spec: registry.ModelSpec) -> None:
    entries = json.loads((registry.engines_dir() / "quality.json").read_text())
    assert spec.path.name in entries, RENEW
    assert entries[spec.path.name]["sha256"] == hashlib.sha256(spec.path.read_bytes()).hexdigest()[:16], RENEW
    quality = quality_of(spec)
    assert quality is not None
    assert all(25 < quality.on(source) < 45 for source in SOURCES)


def test_of_a_file_that_was_not_measured_nothing_is_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("engines") / "mine_x2.onnx"
    assert quality_of(registry.ModelSpec(network="mine", scale=2, path=path)) is None


def test_clean_sources_are_what_many_kernels_made() -> None:
    quality = Quality(set5=37, set14=33, kernels=32, video=34, anime=36)
    assert [quality.on(source) for source in SOURCES] == [32, 34, 36]
