"""Load the libraries that several commands need, in the order in which they can be loaded."""

from contextlib import suppress

from vs_espcn.errors import BackendError


def load_openvino() -> None:
    """Load OpenVINO if it is installed.

    Call it before VapourSynth loads its plugins: vs-mlrt's plugin brings its
    own copy of OpenVINO, after which no other can be loaded.
    """
    with suppress(BackendError):
        from vs_espcn.runtime import openvino  # noqa: F401


def load_libraries() -> None:
    """Load what upscaling needs: OpenVINO, then VapourSynth."""
    load_openvino()
    import vapoursynth  # noqa: F401
