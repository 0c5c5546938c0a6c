"""Set-up that every test shares."""

# First of all: once VapourSynth has loaded vs-mlrt's plugin, which carries its
# own copy of OpenVINO, openvino can no longer be imported.
import openvino  # noqa: F401
