"""Networks in ncnn's format, and on a Vulkan device."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from tests import small_networks
from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime import tiles
from vs_espcn.runtime.backends import Vulkan
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.ncnn_graph import ncnn_graph
from vs_espcn.runtime.precision import resolve, resolved_backend

FORMATS = {
    "8 bits": graph.UINT8,
    "10 bits": graph.UINT16[10],
    "16 bits": graph.UINT16[16],
    "half": graph.FLOAT16,
    "float": graph.FLOAT32,
}


def wrapped(
    network: graph.ModelProto, sample: graph.SampleFormat = graph.UINT8, *, full_range: bool = False
) -> graph.ModelProto:
    return graph.build_graph(network, sample, full_range=full_range, width=22, height=13)


def shipped(name: str = "subpixel-xs", scale: int = 2) -> graph.ModelProto:
    return registry.load_network(registry.find(name, scale).path)


class TestText:
    def test_layers_are_fused_and_the_ends_are_left_to_the_computer(self) -> None:
        written = ncnn_graph(wrapped(shipped()))
        kinds = [line.split()[0] for line in written.param.splitlines()[2:]]
        assert kinds == ["Input", "Split", *["Convolution"] * 5, "BinaryOp", "PixelShuffle"]
        assert written.limits == (0, 255)
        assert written.target.gain == pytest.approx(255)
        offset, gain = (
            written.source.offset,
            written.source.gain,
        )
        assert gain * 255 != pytest.approx(1)  # with the network's own mean and gain
        assert offset < 0

    def test_an_operation_that_cannot_be_expressed_is_named(self) -> None:
        network = shipped()
        next(node for node in network.graph.node if node.op_type == "LeakyRelu").op_type = "Sigmoid"
        with pytest.raises(
            BackendError, match=r"the operation Sigmoid .*'vulkan' cannot express .*Conv, Depth"
        ):
            ncnn_graph(wrapped(network))

    @pytest.mark.parametrize("scale", [2, 3, 4])
    @pytest.mark.parametrize("name", ["espcn", "subpixel-m"])
    def test_blobs_have_one_writer_and_one_reader(self, name: str, scale: int) -> None:
        lines = [line.split() for line in ncnn_graph(wrapped(shipped(name, scale))).param.splitlines()[1:]]
        assert lines[0] == [str(len(lines) - 1), str(sum(int(line[3]) for line in lines[1:]))]
        read = [blob for line in lines[1:] for blob in line[4 : 4 + int(line[2])]]
        written = [blob for line in lines[1:] for blob in line[4 + int(line[2]) :][: int(line[3])]]
        assert len(set(written)) == len(written)
        assert sorted([*read, "target"]) == sorted(written)


@pytest.mark.usefixtures("vulkan")
class TestOnADevice:
    @pytest.mark.parametrize("full_range", [False, True])
    @pytest.mark.parametrize("name", FORMATS)
    def test_every_sample_format(self, name: str, full_range: bool) -> None:
        sample = FORMATS[name]
        model = wrapped(shipped(), sample, full_range=full_range)
        random = np.random.default_rng(0)
        values = (
            random.random((13, 22)) if sample.depth is None else random.integers(0, 2**sample.depth, (13, 22))
        )
        frame = values.astype(sample.dtype)
        target = np.empty((26, 44), sample.dtype)

        engine = open_engine(resolved_backend(Vulkan(), model, sample.depth), model, lanes=1)
        engine.slots[0].upscale(frame, target)

        (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {graph.FRAME_NAME: frame[None, None]}
        )
        error = np.abs(target.astype(float) - expected[0, 0].astype(float)).max()
        assert error <= (1 if sample.depth else 1e-3 if name == "half" else 1e-5)
        assert ("fp16" in engine.description) == (name == "8 bits")

    @pytest.mark.parametrize("spec", [each for each in registry.shipped() if not each.is_int8], ids=str)
    @pytest.mark.slow
    def test_every_network_at_the_precision_that_it_gets(self, spec: registry.ModelSpec) -> None:
        """On waves and an edge, as frames are; one code at most, a quarter in the mean."""
        y, x = np.mgrid[:13, :22]
        waves = 120 + 70 * np.sin(x / 2.5 + y / 7) * np.cos(y / 4)
        codes = np.where(x + 2 * y > 30, 200, waves).round().astype(np.uint8)
        network = resolve(spec, Vulkan(), 8)
        model = wrapped(network.network)
        target = np.empty((13 * spec.scale, 22 * spec.scale), np.uint8)
        open_engine(network.backend, model, lanes=1).slots[0].upscale(codes, target)
        (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {graph.FRAME_NAME: codes[None, None]}
        )
        error = np.abs(target.astype(int) - expected[0, 0])
        assert error.max() <= 1
        assert error.mean() <= 0.25

    def test_branches_groups_and_sums_of_others_networks(self) -> None:
        """Two branches of unlike dilation, joined, in groups, turned round by a subtraction."""
        make, kernel = small_networks.helper.make_node, small_networks.kernel
        nodes = [
            make("Conv", ["luma", "k1"], ["one"], pads=[1, 1, 1, 1]),
            make("Conv", ["luma", "k2"], ["two"], pads=[2, 2, 2, 2], dilations=[2, 2]),
            make("Relu", ["one"], ["positive"]),
            make("Concat", ["positive", "two"], ["both"], axis=1),
            make("Conv", ["both", "k3"], ["grouped"], pads=[1, 1, 1, 1], group=2),
            make("Add", ["grouped", "one"], ["sum"]),
            make("Sub", ["unit", "sum"], ["turned"]),
            make("DepthToSpace", ["turned"], ["upscaled"], blocksize=2, mode="DCR"),
        ]
        constants = {"k1": kernel(4, 1), "k2": kernel(4, 1), "k3": kernel(4, 4), "unit": np.float32(1)}
        model = wrapped(small_networks.network(nodes, constants), graph.FLOAT32, full_range=True)
        frame = np.random.default_rng(2).random((13, 22), np.float32)
        target = np.empty((26, 44), np.float32)
        open_engine(Vulkan(precision="fp32"), model, lanes=1).slots[0].upscale(frame, target)
        (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {graph.FRAME_NAME: frame[None, None]}
        )
        assert np.abs(target - expected[0, 0]).max() <= 1e-5

    def test_a_device_that_is_not_there_is_named_beside_those_that_are(self) -> None:
        with pytest.raises(BackendError, match=r"Vulkan has no device 99; present are device 0 \(.+, .+\)"):
            open_engine(Vulkan(device=99), wrapped(shipped()), lanes=1)

    def test_a_device_without_fp16(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vs_espcn.runtime.vulkan_device.has_fp16", lambda index: False)  # noqa: ARG005
        with pytest.raises(BackendError, match=r"has no fp16; use precision='auto' or 'fp32'"):
            open_engine(Vulkan(precision="fp16"), wrapped(shipped()), lanes=1)
        assert "fp32" in open_engine(Vulkan(), wrapped(shipped()), lanes=1).description

    def test_a_device_with_too_little_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vs_espcn.runtime.vulkan.free_memory", lambda index: 1000)  # noqa: ARG005
        with pytest.raises(
            BackendError, match=r"has 0 MB of memory free, but 2 lanes need 1 MB; use fewer lanes"
        ):
            open_engine(Vulkan(), wrapped(shipped()), lanes=2)

    def test_tiles_follow_the_devices_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        backend = Vulkan(precision="fp32")
        assert tiles.tile_for(backend, shipped(), (640, 360), lanes=2) == (640, 360)
        monkeypatch.setattr("vs_espcn.runtime.vulkan_device.free_memory", lambda index: 64 << 20)  # noqa: ARG005
        width, height = tiles.tile_for(backend, shipped(), (640, 360), lanes=2)
        assert width * height < 640 * 360

    def test_a_device_that_is_lost_is_an_error_of_that_frame(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (slot,) = open_engine(Vulkan(), wrapped(shipped()), lanes=1).slots

        class Lost:
            def create_extractor(self) -> "Lost":
                return self

            def __enter__(self) -> "Lost":
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def input(self, *_: object) -> int:
                return 0

            def extract(self, *_: object) -> tuple[int, None]:
                return -100, None

        monkeypatch.setattr(slot, "_net", Lost())
        with pytest.raises(BackendError, match=r"device 0 \(.+\) failed while running .*fewer lanes"):
            slot.upscale(np.zeros((13, 22), np.uint8), np.zeros((26, 44), np.uint8))

    def test_int8_networks_are_refused(self) -> None:
        with pytest.raises(InputError, match="int8 network; those run on openvino and tensorrt, not vulkan"):
            resolve(registry.find("subpixel-xs-int8", 2), Vulkan(), 8)


def run_without_drivers(script: str) -> str:
    """Run Python where Vulkan's loader finds no driver."""
    pytest.importorskip("ncnn")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": "", "VK_ICD_FILENAMES": "/nonexistent.json", "VK_DRIVER_FILES": "/nonexistent.json"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr


def test_no_driver_is_one_line_with_the_fix() -> None:
    text = run_without_drivers("from vs_espcn.runtime.vulkan_device import find_device; find_device(0)")
    assert "BackendError: no Vulkan device was found; install the GPU's driver" in text


def test_ncnn_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ncnn", None)
    for module in ("vulkan_device", "vulkan"):
        monkeypatch.delitem(sys.modules, f"vs_espcn.runtime.{module}", raising=False)
    with pytest.raises(BackendError, match=r"cannot import ncnn: .*; install vs-espcn\[vulkan\]"):
        open_engine(Vulkan(), wrapped(shipped()), lanes=1)
