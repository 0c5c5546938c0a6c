"""Networks in ncnn's format, and on a Vulkan device."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import vapoursynth as vs
from onnx import helper, numpy_helper

import vs_espcn
from tests import small_networks
from tests.command import in_own_process as run
from tests.command import in_this_process
from tests.media import video
from vs_espcn.errors import BackendError, InputError
from vs_espcn.networks import graph, registry
from vs_espcn.runtime import backend_report, default_backend, tiles
from vs_espcn.runtime.backends import Backend, OpenVINO, Vulkan
from vs_espcn.runtime.engine_factory import open_engine
from vs_espcn.runtime.ncnn_graph import ncnn_graph
from vs_espcn.runtime.precision import resolve

vulkan_device = pytest.importorskip(
    "vs_espcn.runtime.vulkan_device", reason="ncnn is not installed", exc_type=BackendError
)

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


def test_devices_are_found_by_a_program_without_a_console() -> None:
    code = "import os, sys; sys.stderr = None; os.close(2)\n"
    code += "from vs_espcn.runtime.vulkan_device import devices; devices()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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

    def test_padding_that_is_not_written_out_is_refused(self) -> None:
        network = shipped()
        node = next(node for node in network.graph.node if node.op_type == "Conv")
        node.attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))
        with pytest.raises(BackendError, match=r"the operation Conv .*'vulkan' cannot express in this form"):
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
        resolved = resolve(registry.find("subpixel-xs-video", 2), Vulkan(device=0), sample.depth)
        model = wrapped(resolved.network, sample, full_range=full_range)
        random = np.random.default_rng(0)
        values = (
            random.random((13, 22)) if sample.depth is None else random.integers(0, 2**sample.depth, (13, 22))
        )
        frame = values.astype(sample.dtype)
        target = np.empty((26, 44), sample.dtype)

        engine = open_engine(resolved.backend, model, lanes=1)
        engine.slots[0].upscale(frame, target)

        (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {graph.FRAME_NAME: frame[None, None]}
        )
        error = np.abs(target.astype(float) - expected[0, 0].astype(float)).max()
        assert error <= (1 if sample.depth else 1e-3 if name == "half" else 1e-5)
        assert ("fp16" in engine.description) == (name in {"8 bits", "10 bits"})

    @pytest.mark.parametrize("spec", [each for each in registry.shipped() if not each.is_int8], ids=str)
    @pytest.mark.slow
    def test_every_network_at_the_precision_that_it_gets(self, spec: registry.ModelSpec) -> None:
        """On waves and an edge, as frames are; one code at most, a quarter in the mean."""
        y, x = np.mgrid[:13, :22]
        waves = 120 + 70 * np.sin(x / 2.5 + y / 7) * np.cos(y / 4)
        codes = np.where(x + 2 * y > 30, 200, waves).round().astype(np.uint8)
        network = resolve(spec, Vulkan(device=0), 8)
        model = wrapped(network.network)
        target = np.empty((13 * spec.scale, 22 * spec.scale), np.uint8)
        open_engine(network.backend, model, lanes=1).slots[0].upscale(codes, target)
        (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {graph.FRAME_NAME: codes[None, None]}
        )
        error = np.abs(target.astype(int) - expected[0, 0])
        assert error.max() <= 1
        assert error.mean() <= 0.25

    @pytest.mark.parametrize("slope", [0, 0.5, 1, 1 / 3, -0.25])
    @pytest.mark.parametrize("fused", [True, False])
    def test_slopes_and_scalars_that_look_like_integers(self, slope: float, fused: bool) -> None:
        """ncnn reads "1" as an integer, and no more than 15 characters."""
        make = helper.make_node
        nodes = [
            make("Conv", ["luma", "k"], ["one"], pads=[1, 1, 1, 1]),
            make("Mul", ["one", "scalar"], ["product"]),
            make("LeakyRelu", ["one" if fused else "product"], ["bent"], alpha=float(slope)),
            make("Add", ["bent", "scalar"], ["sum"]),
            make("Sub", ["scalar", "sum"], ["turned"]),
            make("DepthToSpace", ["turned"], ["upscaled"], blocksize=2, mode="DCR"),
        ]
        if fused:
            del nodes[1]
        constants = {"k": small_networks.kernel(4, 1), "scalar": np.float32(slope)}
        model = wrapped(small_networks.network(nodes, constants), graph.FLOAT32, full_range=True)
        self.check_in_fp32(model)

    @staticmethod
    def check_in_fp32(model: graph.ModelProto) -> None:
        frame = np.random.default_rng(2).random((13, 22), np.float32)
        target = np.empty((26, 44), np.float32)
        open_engine(Vulkan(device=0, precision="fp32"), model, lanes=1).slots[0].upscale(frame, target)
        (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
            None, {graph.FRAME_NAME: frame[None, None]}
        )
        assert np.abs(target - expected[0, 0]).max() <= 1e-5

    def test_constants_may_be_nodes(self) -> None:
        """As tensors, floats and lists, at the ends and between convolutions."""
        make, kernel = helper.make_node, small_networks.kernel
        nodes = [
            make("Constant", [], ["mean"], value_float=0.4),
            make("Constant", [], ["k1"], value=numpy_helper.from_array(kernel(4, 1))),
            make("Constant", [], ["b1"], value_floats=[0.1, -0.2, 0.3, 0.0]),
            make("Constant", [], ["half"], value=numpy_helper.from_array(np.float32(0.5))),
            make("Sub", ["luma", "mean"], ["centred"]),
            make("Conv", ["centred", "k1", "b1"], ["one"], pads=[1, 1, 1, 1]),
            make("Relu", ["one"], ["active"]),
            make("Mul", ["active", "half"], ["less"]),
            make("Add", ["less", "one"], ["both"]),
            make("DepthToSpace", ["both"], ["upscaled"], blocksize=2, mode="CRD"),
        ]
        self.check_in_fp32(wrapped(small_networks.network(nodes, {}), graph.FLOAT32, full_range=True))

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
        self.check_in_fp32(wrapped(small_networks.network(nodes, constants), graph.FLOAT32, full_range=True))

    def test_a_device_that_is_not_there_is_named_beside_those_that_are(self) -> None:
        with pytest.raises(BackendError, match=r"Vulkan has no device 99; present are device 0 \(.+, .+\)"):
            open_engine(Vulkan(device=99), wrapped(shipped()), lanes=1)

    def test_a_device_without_fp16(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vs_espcn.runtime.vulkan_device.has_fp16", lambda index: False)  # noqa: ARG005
        with pytest.raises(BackendError, match=r"has no fp16; use precision='auto' or 'fp32'"):
            open_engine(Vulkan(device=0, precision="fp16"), wrapped(shipped()), lanes=1)
        assert "fp32" in open_engine(Vulkan(device=0), wrapped(shipped()), lanes=1).description

    def test_fp16_is_seen_by_what_it_loses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A driver without fp16 is one for which ncnn leaves that out, and says nothing."""
        make_net = vulkan_device.make_net
        assert vulkan_device.has_fp16.__wrapped__(0)
        monkeypatch.setattr(vulkan_device, "make_net", lambda index, fp16: make_net(index, fp16=False))  # noqa: ARG005
        assert not vulkan_device.has_fp16.__wrapped__(0)

    def test_a_device_with_too_little_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vs_espcn.runtime.vulkan.free_memory", lambda index: 1000)  # noqa: ARG005
        with pytest.raises(
            BackendError, match=r"has 0 MB of memory free, but 2 lanes need 1 MB; use fewer lanes"
        ):
            open_engine(Vulkan(device=0), wrapped(shipped()), lanes=2)

    def test_tiles_follow_the_devices_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        backend = Vulkan(device=0, precision="fp32")
        assert tiles.tile_for(backend, shipped(), (640, 360), lanes=2) == (640, 360)
        monkeypatch.setattr("vs_espcn.runtime.vulkan_device.free_memory", lambda index: 64 << 20)  # noqa: ARG005
        width, height = tiles.tile_for(backend, shipped(), (640, 360), lanes=2)
        assert width * height < 640 * 360

    def test_a_device_that_is_lost_is_an_error_of_that_frame(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (slot,) = open_engine(Vulkan(device=0), wrapped(shipped()), lanes=1).slots

        monkeypatch.setattr(slot, "_net", Lost())
        with pytest.raises(BackendError, match=r"device 0 \(.+\) failed while running .*fewer lanes"):
            slot.upscale(np.zeros((13, 22), np.uint8), np.zeros((26, 44), np.uint8))

    def test_int8_networks_are_refused(self) -> None:
        with pytest.raises(InputError, match="int8 network; those run on openvino and tensorrt, not vulkan"):
            resolve(registry.find("subpixel-xs-int8", 2), Vulkan(device=0), 8)


class Lost:
    """A network of ncnn on a device that is lost."""

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


@pytest.mark.usefixtures("vulkan")
def test_a_device_that_is_lost_in_mid_stream_ends_the_encode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one line and no file, after frames that were right."""

    class LostLater:
        def __init__(self, index: int, *, fp16: bool) -> None:
            self._net, self._frames = vulkan_device.make_net(index, fp16=fp16), 3

        def __getattr__(self, name: str) -> object:
            return getattr(self._net, name)

        def create_extractor(self) -> object:
            self._frames -= 1
            return Lost() if self._frames < 0 else self._net.create_extractor()

    monkeypatch.setattr("vs_espcn.runtime.vulkan.make_net", LostLater)
    source = video(tmp_path / "in.mp4", frames=8)
    command = ("upscale", source, tmp_path / "out.mkv", "--network", "subpixel-xs", "--backend", "vulkan")
    refused = in_this_process(*command, "--device", "0", code=1)
    assert "failed while running (it was lost, or is out of memory)" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(
            {"VK_ICD_FILENAMES": "/nonexistent.json", "VK_DRIVER_FILES": "/nonexistent.json"}, id="no driver"
        ),
        pytest.param(
            {"LD_LIBRARY_PATH": "."},
            id="no loader",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux's way to hide a library"),
        ),
    ],
)
def test_no_driver_is_one_line_with_the_fix(environment: dict[str, str], tmp_path: Path) -> None:
    for name in ("libvulkan.so", "libvulkan.so.1"):
        (tmp_path / name).touch()  # cannot be loaded
    done = subprocess.run(
        [sys.executable, "-c", "from vs_espcn.runtime.vulkan_device import find_device; find_device(0)"],
        env={"PATH": ""} | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "RuntimeMissingError: no Vulkan device was found; install the GPU's driver" in done.stderr


def test_ncnn_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ncnn", None)
    for module in ("vulkan_device", "vulkan"):
        monkeypatch.delitem(sys.modules, f"vs_espcn.runtime.{module}", raising=False)
    with pytest.raises(BackendError, match=r"cannot import ncnn: .*uv sync --extra vulkan`"):
        open_engine(Vulkan(device=0), wrapped(shipped()), lanes=1)


@pytest.mark.usefixtures("vulkan")
class TestChoice:
    """Which device runs where none is named."""

    @staticmethod
    def present(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
        found = tuple(
            vulkan_device.VulkanDevice(index=index, name=f"card {index}", kind=kind)
            for index, kind in enumerate(kinds)
        )
        monkeypatch.setattr(vulkan_device, "devices", lambda: found)
        monkeypatch.setattr(vulkan_device, "has_fp16", lambda index: index == 0)
        default_backend.best_backend.cache_clear()

    @pytest.fixture(autouse=True)
    def _forget(self) -> Iterator[None]:
        yield
        default_backend.best_backend.cache_clear()

    @pytest.mark.usefixtures("no_driver")
    @pytest.mark.parametrize(
        ("kinds", "chosen"),
        [
            (("software",), OpenVINO()),
            ((), OpenVINO()),
            (("software", "integrated GPU"), Vulkan()),
            (("discrete GPU",), Vulkan()),
        ],
    )
    def test_a_real_gpu_comes_before_the_processor_and_software_never(
        self, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], chosen: Backend
    ) -> None:
        self.present(monkeypatch, *kinds)
        assert default_backend.best_backend() == chosen

    @pytest.mark.parametrize(
        ("kinds", "index"),
        [
            (("software", "integrated GPU"), 1),
            (("integrated GPU", "discrete GPU", "software"), 1),
            (("software", "virtual GPU", "integrated GPU"), 2),
            (("discrete GPU", "discrete GPU"), 0),
        ],
    )
    def test_without_a_number_it_is_the_first_real_gpu_of_the_best_kind(
        self, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], index: int
    ) -> None:
        self.present(monkeypatch, *kinds)
        assert vulkan_device.find_device(Vulkan().device).index == index
        assert f"card {index}" in backend_report.running_on(Vulkan(precision="fp32"))
        assert vulkan_device.find_device(0).index == 0

    def test_software_alone_has_to_be_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.present(monkeypatch, "software")
        source = video(tmp_path / "in.mp4", frames=2)
        refused = in_this_process("upscale", source, tmp_path / "out.mkv", "--backend", "vulkan", code=1)
        assert refused.stderr == (
            "vs-espcn: error: Vulkan has no GPU: device 0 (card 0, software) computes on the processor and "
            "is used only if it is named, by vs_espcn.Vulkan(device=0) or --backend vulkan --device 0\n"
        )
        assert not (tmp_path / "out.mkv").exists()

    def test_info_lists_every_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.present(monkeypatch, "integrated GPU", "discrete GPU")
        report = next(each for each in backend_report.backend_reports() if each.name == "vulkan")
        assert report.usable
        assert (
            report.detail == "device 0 (card 0, integrated GPU), fp16, device 1 (card 1, discrete GPU), fp32"
        )

    def test_info_says_that_software_is_used_only_if_it_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.present(monkeypatch, "software")
        report = next(each for each in backend_report.backend_reports() if each.name == "vulkan")
        assert not report.usable
        assert "Vulkan has no GPU: device 0 (card 0, software) computes on the processor" in report.detail


@pytest.mark.usefixtures("vulkan")
def test_the_filter_runs_tiled_and_whole_alike() -> None:
    """Each tile is computed with what surrounds it, in two lanes at once."""
    clip = vs.core.std.BlankClip(width=60, height=40, format=vs.YUV420P8, length=3, color=[100, 128, 128])
    clip = vs.core.std.AddBorders(clip, left=4, right=4, top=4, bottom=4, color=[200, 90, 160])
    backend = Vulkan(device=0, precision="fp32", lanes=2)

    whole, tiled = (
        vs_espcn.upscale(clip, 2, network="subpixel-xs", backend=backend, tile=tile)
        for tile in (None, (40, 32))
    )

    for of_whole, of_tiled in zip(whole.frames(), tiled.frames(), strict=True):
        difference = np.abs(np.asarray(of_whole[0]).astype(int) - np.asarray(of_tiled[0]))
        assert difference.max() <= 1
        assert difference.mean() < 0.01


@pytest.mark.usefixtures("vulkan")
def test_the_command_takes_a_device_by_number(tmp_path: Path) -> None:
    source = video(tmp_path / "in.mp4", frames=2)
    done = run(
        *("upscale", source, tmp_path / "out.mkv", "--network", "subpixel-xs", "--backend", "vulkan"),
        *("--device", "0"),
    )
    assert "vulkan on " in done.stderr
    refused = run(*("upscale", source, tmp_path / "no.mkv", "--backend", "vulkan", "--device", "99"), code=1)
    assert "Vulkan has no device 99; present are device 0" in refused.stderr
    assert not (tmp_path / "no.mkv").exists()
    assert "\n[" not in done.stderr + refused.stderr  # what ncnn has to say of each device
