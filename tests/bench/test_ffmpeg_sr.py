"""ffmpeg's own reading of the file that is written for its sr filter."""

import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from vs_espcn.bench.ffmpeg_sr import native_model
from vs_espcn.encoding.ffmpeg import find_ffmpeg
from vs_espcn.errors import InputError
from vs_espcn.networks import registry


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_ffmpeg_computes_what_onnxruntime_does(tmp_path: Path, scale: int) -> None:
    executable = find_ffmpeg().path
    described = subprocess.run([executable, "-h", "filter=sr"], capture_output=True, check=False).stdout
    if b"native backend" not in described:
        pytest.skip("this ffmpeg has no filter sr with a native backend")
    network = registry.load_network(registry.find("espcn", scale).path)
    (tmp_path / "espcn.model").write_bytes(native_model(network, scale))
    luma = np.random.default_rng(0).integers(16, 236, (12, 16), np.uint8)

    command = [executable, "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "16x12", "-i", "-"]
    command += ["-vf", "sr=dnn_backend=native:model=espcn.model", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    done = subprocess.run(command, cwd=tmp_path, input=luma.tobytes(), capture_output=True, check=True)

    result = np.frombuffer(done.stdout, np.uint8).reshape(12 * scale, 16 * scale).astype(float)
    session = onnxruntime.InferenceSession(network.SerializeToString())
    luma_in = {"luma": luma[None, None].astype(np.float32) / 255}
    expected = np.clip(session.run(None, luma_in)[0][0, 0] * 255, 0, 255)
    border = 4 * scale  # the affine map is in the weights, so that outside is not the same
    inner = np.s_[border:-border, border:-border]
    assert np.abs(result[inner] - expected[inner]).max() <= 1


def test_an_operation_that_the_format_has_not_is_named() -> None:
    network = registry.load_network(registry.find("espcn", 2).path)
    network.graph.node[-1].op_type = "Resize"
    with pytest.raises(InputError, match="operation Resize"):
        native_model(network, 2)
