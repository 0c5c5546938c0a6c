"""How much each shipped network was measured to err in fp16 on Vulkan.

The figures are in ``fp16.json`` beside the networks, one entry per file; ``scripts/dev/vulkan_errors.py``
measures and writes them. They hold more than rounding: ncnn transforms what a 3×3 convolution takes, too.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from vs_espcn.networks.registry import ModelSpec, engines_dir, shipped

_MEAN_ERROR, _LARGEST_ERROR = 0.25, 1.0
"""What the arithmetic may cost, in codes of the clip's depth."""


@dataclass(frozen=True, kw_only=True)
class Fp16Error:
    """Error of a network in fp16 beside float32 on test pictures, in codes of 8 bits before rounding.

    Attributes:
        mean: Over all samples.
        largest: Of one sample.
    """

    mean: float
    largest: float

    def is_small_at(self, depth: int) -> bool:
        """True if it is at most a code in every sample, and a quarter in the mean.

        Args:
            depth: The depth of those codes in bits.
        """
        codes = 1 << (depth - 8)
        return self.mean * codes <= _MEAN_ERROR and self.largest * codes <= _LARGEST_ERROR


def fp16_error(spec: ModelSpec) -> Fp16Error | None:
    """What was measured of a network; None if nothing was."""
    entry = _entries().get(spec.path.name) if spec in shipped() else None
    return entry and Fp16Error(mean=entry["mean"], largest=entry["largest"])


@cache
def _entries() -> dict[str, Any]:
    path = engines_dir() / "fp16.json"
    entries: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return entries
