"""ESPCN super-resolution for VapourSynth (Shi et al., CVPR 2016).

    import vs_espcn
    clip = vs_espcn.upscale(clip, scale=2)

Importing this package is instant: the filter, and with it VapourSynth and the
runtimes, load at the first use of `upscale`.
"""

from typing import TYPE_CHECKING, Any

from vs_espcn.errors import (
    BackendError,
    EncodeError,
    EspcnError,
    InputError,
    RuntimeMissingError,
    TrainingError,
)
from vs_espcn.version import __version__

if TYPE_CHECKING:
    from vs_espcn.encoding.colour_args import ffmpeg_args
    from vs_espcn.filter.upscale import upscale
    from vs_espcn.runtime.backends import OpenVINO, TensorRT, Torch, Vulkan

__all__ = [
    "BackendError",
    "EncodeError",
    "EspcnError",
    "InputError",
    "OpenVINO",
    "RuntimeMissingError",
    "TensorRT",
    "Torch",
    "TrainingError",
    "Vulkan",
    "__version__",
    "ffmpeg_args",
    "upscale",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name == "upscale":
        from vs_espcn.filter.upscale import upscale

        return upscale
    if name == "ffmpeg_args":
        from vs_espcn.encoding.colour_args import ffmpeg_args

        return ffmpeg_args
    if name in {"OpenVINO", "TensorRT", "Torch", "Vulkan"}:
        from vs_espcn.runtime import backends

        return getattr(backends, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
