"""What OpenVINO's engine asks of a device, and leaves of its process."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from vs_espcn.errors import BackendError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime import openvino
from vs_espcn.runtime.openvino import resolve_precision

SCRIPT = """
import openvino
import gc, signal
import vapoursynth as vs
import vs_espcn

clip = vs.core.std.BlankClip(width=64, height=48, format=vs.GRAY8, length=1)
first = vs_espcn.upscale(clip, 2)
first.get_frame(0)
second = vs_espcn.upscale(clip, 3)
second.get_frame(0)
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGINT, lambda *_: print("heard"))
signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals have no stack of their own there")
def test_signals_are_heard_after_engines_were_closed() -> None:
    """In the order in which they were opened, as where a script is run again."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


class Device:
    """A core with one device, which has some arithmetic."""

    available_devices = ("CPU",)

    def __init__(self, *capabilities: str) -> None:
        self._capabilities = capabilities

    def get_property(self, device: str, name: str) -> Sequence[str]:
        assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
        return self._capabilities


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (("FP32", "INT8"), {"auto": "fp32", "fast": "fp32", "fp32": "fp32"}),
        (("FP32", "INT8", "BF16"), {"auto": "bf16", "fast": "bf16", "fp32": "fp32", "bf16": "bf16"}),
    ],
)
def test_bf16_is_the_devices(
    capabilities: tuple[str, ...], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "_core", lambda: Device(*capabilities))
    for asked, got in expected.items():
        assert resolve_precision("CPU", asked) == got
    if "bf16" not in expected:
        with pytest.raises(BackendError, match=r"device CPU does not support bf16; use precision='fp32'"):
            resolve_precision("CPU", "bf16")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_device_is_told_the_arithmetic_and_the_lanes(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As read back of what was compiled; bf16 only where the device has it, or the hint stays f32."""
    network = registry.load_network(registry.find("espcn", 2).path)
    model = graph.build_graph(network, graph.UINT8, full_range=False, width=16, height=16)
    compiled = openvino._compile(model, "CPU", "fp32", 2)
    assert compiled.get_property("NUM_STREAMS") == 2
    assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"

    told: dict[str, str] = {}

    class Core:
        def read_model(self, _: bytes) -> None: ...

        def compile_model(self, _: None, device: str, options: dict[str, str]) -> None:
            told.update(options, device=device)

    monkeypatch.setattr(openvino, "_core", Core)
    openvino._compile(model, "CPU", precision, 3)
    hint = {"fp32": "f32", "bf16": "bf16"}[precision]
    assert told == {"NUM_STREAMS": "3", "INFERENCE_PRECISION_HINT": hint, "device": "CPU"}
