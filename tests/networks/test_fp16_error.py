import hashlib
import json
import shutil
from pathlib import Path

import pytest

from vs_espcn.networks import registry
from vs_espcn.networks.fp16_error import Fp16Error, fp16_error

RENEW = "run scripts/dev/vulkan_errors.py SOURCE ..."
FLOATS = [spec for spec in registry.shipped() if not spec.is_int8]


@pytest.mark.parametrize("spec", FLOATS, ids=lambda spec: spec.path.stem)
def test_every_network_was_measured_as_it_is_and_bears_fp16_at_8_bits(spec: registry.ModelSpec) -> None:
    entries = json.loads((registry.engines_dir() / "fp16.json").read_text())
    assert spec.path.name in entries, RENEW
    assert entries[spec.path.name]["sha256"] == hashlib.sha256(spec.path.read_bytes()).hexdigest()[:16], RENEW
    error = fp16_error(spec)
    assert error is not None
    assert error.is_small_at(8)
    assert not error.is_small_at(12)
    assert entries[spec.path.name]["largest_fp32"] < 0.01


def test_of_a_file_that_only_has_the_name_nothing_is_known(tmp_path: Path) -> None:
    path = Path(shutil.copy(FLOATS[0].path, tmp_path))
    assert fp16_error(registry.of_network(str(path))[0]) is None


def test_an_error_is_small_by_its_mean_and_its_largest_at_a_depth() -> None:
    assert Fp16Error(mean=0.25, largest=1).is_small_at(8)
    assert not Fp16Error(mean=0.26, largest=0.5).is_small_at(8)
    assert not Fp16Error(mean=0.1, largest=1.1).is_small_at(8)
    assert Fp16Error(mean=0.06, largest=0.25).is_small_at(10)
    assert not Fp16Error(mean=0.06, largest=0.26).is_small_at(10)
