"""The networks: which are shipped, at which scales, and what their files say.

A network is one ONNX file per scale. Its input ``luma`` is float32
(1, 1, H, W), limited-range luma as code / 255; its output ``upscaled`` is
float32 (1, 1, scale·H, scale·W) on the same footing, with the pixel shuffle
inside. The file's metadata holds ``scale``, ``network`` and the facts of its
training.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vs_espcn.errors import InputError

INPUT_NAME = "luma"
OUTPUT_NAME = "upscaled"

_FILE_NAME = re.compile(r"(?P<network>.+)_x(?P<scale>[1-9][0-9]*)\.onnx")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One network at one scale.

    Attributes:
        network: Name of the network, for example ``"espcn"``.
        scale: Integer factor between output and input width and height.
        path: The ONNX file.
    """

    network: str
    scale: int
    path: Path


def engines_dir() -> Path:
    """Folder of the shipped networks: inside the wheel, or of the source tree."""
    package = Path(__file__).resolve().parent
    installed = package / "engines"
    return installed if installed.is_dir() else package.parent / "engines"


@cache
def shipped() -> tuple[ModelSpec, ...]:
    """Every shipped network, ordered by name and scale."""
    specs = []
    for path in engines_dir().glob("*.onnx"):
        if match := _FILE_NAME.fullmatch(path.name):
            specs.append(ModelSpec(network=match["network"], scale=int(match["scale"]), path=path))
    return tuple(sorted(specs, key=lambda spec: (spec.network, spec.scale)))


def find(network: str, scale: int) -> ModelSpec:
    """Look up a shipped network.

    Args:
        network: Name of a shipped network.
        scale: Integer scale that the network must have.

    Raises:
        InputError: No such network is shipped, or not at this scale.
    """
    of_name = [spec for spec in shipped() if spec.network == network]
    if not of_name:
        names = sorted({spec.network for spec in shipped()})
        raise InputError(f"network {network!r} is not shipped; choose one of {_listed(names)}")
    for spec in of_name:
        if spec.scale == scale:
            return spec
    scales = [spec.scale for spec in of_name]
    raise InputError(f"scale {scale!r} has no {network} network; choose one of {_listed(scales)}")


def _listed(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values) or "none (engines/ is empty)"
