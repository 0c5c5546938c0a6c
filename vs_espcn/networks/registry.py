"""Find shipped networks and their scales, and read network files.

A network is one ONNX file per scale. Its input ``luma`` is float32
(1, 1, H, W), limited-range luma as code / 255; its output ``upscaled`` is
float32 (1, 1, scale·H, scale·W) in the same range, with the pixel shuffle
inside. The file's metadata holds ``scale``, ``network`` and facts about the
training. Its opset is 13 or newer; older ones are converted on reading.

An int8 network marks the places where it rounds to 8-bit codes with ONNX's
QuantizeLinear and DequantizeLinear; its file is otherwise the same. The int8
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
"""Given in place of a network's name to let the filter choose one."""
CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
"""ONNX operations of which a network has at least one."""

_OPSET = 18
_OLDEST_OPSET = 13
_SCALE = re.compile(r"[1-9][0-9]{0,2}")
_FILE_NAME = re.compile(r"(?P<network>.+)_x(?P<scale>[1-9][0-9]*)\.onnx")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One network at one scale.

    Attributes:
        network: Name of the network, for example ``"espcn"``.
        scale: Integer scale between input and output width and height.
        path: The ONNX file.
    """

    network: str
    scale: int
    path: Path

    @property
    def is_int8(self) -> bool:
        """True if the name is that of an int8 form."""
        return self.network.endswith(INT8_SUFFIX)


def engines_dir() -> Path:
    """Return the folder of the shipped networks, in the installed package or in the source tree."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "engines"
    return installed if installed.is_dir() else package.parent / "engines"


@cache
def shipped() -> tuple[ModelSpec, ...]:
    """Return every shipped network, ordered by name and scale."""
    specs = []
    for path in engines_dir().glob("*.onnx"):
        if match := _FILE_NAME.fullmatch(path.name):
            specs.append(ModelSpec(network=match["network"], scale=int(match["scale"]), path=path))
    return tuple(sorted(specs, key=lambda spec: (spec.network, spec.scale)))


def of_network(network: str) -> tuple[ModelSpec, ...]:
    """Return a network at all its scales, the smallest first.

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
            "network 'auto' is chosen for each clip, but a network must be named here; "
            "`vs-espcn networks` lists them and says when auto takes which"
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

    Example:
        >>> find("subpixel-s", 2).path.name
        'subpixel-s_x2.onnx'
    """
    specs = of_network(network)
    for spec in specs:
        if spec.scale == scale:
            return spec
    scales = [spec.scale for spec in specs]
    raise InputError(f"scale {scale!r} has no {specs[0].network} network; choose one of {_listed(scales)}")


def in_int8(spec: ModelSpec) -> ModelSpec | None:
    """Return the int8 form of a network; None if it is not a shipped network with such a form."""
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
    """Return the name of a network after training with a degradation.

    Args:
        network: Name of the network, for example ``subpixel-m-int8``.
        degradation: Name of the degradation; ``clean`` and ``bicubic`` add nothing.

    Returns:
        For example ``subpixel-m-video-int8``.
    """
    if degradation in {"clean", "bicubic"}:
        return network
    suffix = INT8_SUFFIX if network.endswith(INT8_SUFFIX) else ""
    return f"{network.removesuffix(INT8_SUFFIX)}-{degradation}{suffix}"


def is_int8(network: ModelProto) -> bool:
    """Tell whether a network, or a graph built from one, rounds to 8-bit codes."""
    return any(node.op_type == "QuantizeLinear" for node in network.graph.node)


def load_network(path: Path) -> ModelProto:
    """Read and check a network; an unchanged file is read once per process.

    Args:
        path: An ONNX file as this module describes it.

    Returns:
        A copy that the caller may change.

    Raises:
        InputError: The file cannot be read, is not such a network, or has weights that are not finite.

    Example:
        >>> network = load_network(find("subpixel-s", 2).path)
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
    copy = ModelProto()  # callers may change theirs
    copy.CopyFrom(model)
    return copy


_loaded: dict[Path, tuple[tuple[int, int], ModelProto]] = {}
"""The networks read so far, with the modification times and sizes of their files."""


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
    """Inline functions, and convert an opset that is older than the operations of video graphs."""
    if model.functions:
        model = inliner.inline_local_functions(model)
    opset = max((each.version for each in model.opset_import if not each.domain), default=_OPSET)
    return version_converter.convert_version(model, _OPSET) if opset < _OLDEST_OPSET else model


def _check_ends(path: Path, model: ModelProto) -> None:
    """Check that a model maps luma to luma of the size that its metadata gives."""
    ends = (*model.graph.input, *model.graph.output)
    names = [value.name for value in ends]
    scale = network_metadata(model).get("scale", "")
    if names != [INPUT_NAME, OUTPUT_NAME] or not _SCALE.fullmatch(scale):
        metadata = str(network_metadata(model))[:300]
        raise InputError(
            f"{path} is not a network of vs_espcn: it has inputs and outputs {names} and metadata "
            f"{metadata}; expected are {[INPUT_NAME, OUTPUT_NAME]} and an integer 'scale' of 1 to 999"
        )
    if any(value.type.tensor_type.elem_type != TensorProto.FLOAT for value in ends):
        raise InputError(f"{path} does not take and give float32; export it with a float32 input and output")
    if CONVOLUTIONS.isdisjoint(node.op_type for node in model.graph.node):
        raise InputError(f"{path} has no convolution; give a convolutional network")
    shape, expected = shapes_of(model).get(OUTPUT_NAME, ()), (1, 1, SIDE * int(scale), SIDE * int(scale))
    if shape and any(told not in {0, wanted} for told, wanted in zip(shape, expected, strict=False)):
        raise InputError(
            f"{path} turns {[1, 1, SIDE, SIDE]} into {list(shape)}, but the scale {scale} of its metadata "
            f"requires {list(expected)}; correct the network or its metadata"
        )


def network_metadata(network: ModelProto) -> dict[str, str]:
    """Return the metadata of a network's file: scale, name and facts about the training."""
    return {entry.key: entry.value for entry in network.metadata_props}


def _of_file(path: Path) -> ModelSpec:
    metadata = network_metadata(load_network(path))
    return ModelSpec(network=metadata.get("network", path.stem), scale=int(metadata["scale"]), path=path)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values) or "none (engines/ is empty)"
