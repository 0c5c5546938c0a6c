"""The networks: which are shipped, at which scales, and what their files say.

A network is one ONNX file per scale. Its input ``luma`` is float32
(1, 1, H, W), limited-range luma as code / 255; its output ``upscaled`` is
float32 (1, 1, scale·H, scale·W) on the same footing, with the pixel shuffle
inside. The file's metadata holds ``scale``, ``network`` and the facts of its
training. Its opset is 13 or newer; older ones are converted when they are read.

An int8 network says by ONNX's QuantizeLinear and DequantizeLinear where it
rounds to 8-bit codes; everything else about its file is the same. The int8
form of the shipped network ``NAME`` is shipped as ``NAME-int8``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, inliner, version_converter

from vs_espcn.errors import InputError
from vs_espcn.networks.file_checks import (
    check_external_data,
    check_file,
    check_finite,
    check_nodes,
    check_opset,
    one_line,
)
from vs_espcn.networks.shapes import SIDE, shapes_of

INPUT_NAME = "luma"
OUTPUT_NAME = "upscaled"
INT8_SUFFIX = "-int8"
AUTO: Final = "auto"
"""Stands in place of a network's name where the filter is to choose one."""
CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
"""ONNX's operations that a network is made of, at least one of them."""

_OPSET = 18
_OLDEST_OPSET = 13
_SCALE = re.compile(r"[1-9][0-9]{0,2}")
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

    @property
    def is_int8(self) -> bool:
        """True if its name is that of an int8 form."""
        return self.network.endswith(INT8_SUFFIX)


def engines_dir() -> Path:
    """Folder of the shipped networks: inside the wheel, or of the source tree."""
    package = Path(__file__).resolve().parents[1]
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


def of_network(network: str) -> tuple[ModelSpec, ...]:
    """All scales of a network, the smallest first.

    Args:
        network: Name of a shipped network, or the path of an ONNX file.

    Raises:
        InputError: No such network is shipped, or the file is not a network.
    """
    if network.endswith(".onnx"):
        return (_of_file(Path(network)),)
    specs = tuple(spec for spec in shipped() if spec.network == network)
    if network == AUTO:
        raise InputError(
            "network 'auto' is chosen for each clip, and here one has to be named; "
            "`vs-espcn networks` lists them, and what auto takes each for"
        )
    if not specs:
        names = sorted({spec.network for spec in shipped()})
        raise InputError(
            f"network {network!r} is not shipped; choose one of {_listed(names)}, "
            "or give the path of an ONNX file"
        )
    return specs


def find(network: str, scale: int) -> ModelSpec:
    """Look up a network at one scale.

    Args:
        network: Name of a shipped network, or the path of an ONNX file.
        scale: Integer scale that the network must have.

    Raises:
        InputError: No such network is shipped, or it does not have this scale.
    """
    specs = of_network(network)
    for spec in specs:
        if spec.scale == scale:
            return spec
    scales = [spec.scale for spec in specs]
    raise InputError(f"scale {scale!r} has no {specs[0].network} network; choose one of {_listed(scales)}")


def in_int8(spec: ModelSpec) -> ModelSpec | None:
    """The int8 form of a network; None if it is not a shipped one that has such a form."""
    if spec not in shipped() or is_int8(load_network(spec.path)):
        return None
    return next(
        (
            each
            for each in shipped()
            if (each.network, each.scale) == (spec.network + INT8_SUFFIX, spec.scale)
        ),
        None,
    )


def trained_name(network: str, degradation: str) -> str:
    """What a network is called after what it was trained on.

    Args:
        network: Name of the network that was trained, ``subpixel-m-int8`` say.
        degradation: What made the low resolution; ``clean`` and ``bicubic`` go without saying.

    Returns:
        ``subpixel-m-video-int8``, say.
    """
    if degradation in {"clean", "bicubic"}:
        return network
    suffix = INT8_SUFFIX if network.endswith(INT8_SUFFIX) else ""
    return f"{network.removesuffix(INT8_SUFFIX)}-{degradation}{suffix}"


def is_int8(network: ModelProto) -> bool:
    """Whether a network, or a graph made of one, rounds to 8-bit codes by itself."""
    return any(node.op_type == "QuantizeLinear" for node in network.graph.node)


def load_network(path: Path) -> ModelProto:
    """Read a network and check that it is one; a file that has not changed is read once per process.

    Args:
        path: An ONNX file as this module describes it.

    Raises:
        InputError: The file cannot be read, is not such a network, or holds
            weights that are not finite (which would turn into garbage codes).
    """
    try:
        check_file(path)
        stat = path.stat()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the network {path}: {error}") from error
    version = (stat.st_mtime_ns, stat.st_size)
    known, model = _loaded.get(path.absolute(), (None, None))
    if model is None or known != version:
        model = _read_network(path)
        _loaded[path.absolute()] = (version, model)
    copy = ModelProto()  # what a caller does to it concerns no other caller
    copy.CopyFrom(model)
    return copy


_loaded: dict[Path, tuple[tuple[int, int], ModelProto]] = {}
"""Networks that were read, with their files' modification times and sizes."""


def _read_network(path: Path) -> ModelProto:
    try:
        model = onnx.load(path, load_external_data=False)
        check_nodes(path, model)
        check_opset(path, model)
        check_external_data(path, model)
        onnx.load_external_data_for_model(model, str(path.parent))
        onnx.checker.check_model(model)
        model = _modernized(model)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise InputError(f"cannot read the network {path}: {one_line(error)}") from error
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise InputError(f"cannot read the network {path}: {one_line(error)}") from error
    _check_ends(path, model)
    check_finite(path, model)
    return model


def _modernized(model: ModelProto) -> ModelProto:
    """With functions written out, and in an opset whose operations mean what those around it mean."""
    if model.functions:
        model = inliner.inline_local_functions(model)
    opset = max((each.version for each in model.opset_import if not each.domain), default=_OPSET)
    return version_converter.convert_version(model, _OPSET) if opset < _OLDEST_OPSET else model


def _check_ends(path: Path, model: ModelProto) -> None:
    """Check that a model takes luma and gives luma of the size that it says."""
    ends = (*model.graph.input, *model.graph.output)
    names = [value.name for value in ends]
    scale = network_metadata(model).get("scale", "")
    if names != [INPUT_NAME, OUTPUT_NAME] or not _SCALE.fullmatch(scale):
        metadata = str(network_metadata(model))[:300]
        raise InputError(
            f"{path} is not a network of vs_espcn: it has inputs and outputs {names} and metadata "
            f"{metadata}; needed are {[INPUT_NAME, OUTPUT_NAME]} and a whole 'scale' from 1 on"
        )
    if any(value.type.tensor_type.elem_type != TensorProto.FLOAT for value in ends):
        raise InputError(f"{path} does not take and give float32; export it with inputs and outputs of that")
    if CONVOLUTIONS.isdisjoint(node.op_type for node in model.graph.node):
        raise InputError(f"{path} has no convolution; give a network that is made of convolutions")
    shape, expected = shapes_of(model).get(OUTPUT_NAME, ()), (1, 1, SIDE * int(scale), SIDE * int(scale))
    if shape and any(told not in {0, wanted} for told, wanted in zip(shape, expected, strict=False)):
        raise InputError(
            f"{path} makes {list(shape)} of a picture of {[1, 1, SIDE, SIDE]}, and its metadata says scale "
            f"{scale}, which would be {list(expected)}; correct one of them"
        )


def network_metadata(network: ModelProto) -> dict[str, str]:
    """The network file's metadata: scale, name, facts of its training."""
    return {entry.key: entry.value for entry in network.metadata_props}


def _of_file(path: Path) -> ModelSpec:
    metadata = network_metadata(load_network(path))
    return ModelSpec(network=metadata.get("network", path.stem), scale=int(metadata["scale"]), path=path)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values) or "none (engines/ is empty)"
