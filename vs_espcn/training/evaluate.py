"""Networks and checkpoints on arrays, and how well they do by the protocol of the literature."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vs_espcn.errors import InputError
from vs_espcn.training.checkpoint import load_checkpoint, take_weights
from vs_espcn.training.data.degradation import round_to_8_bit
from vs_espcn.training.metrics import psnr, shave
from vs_espcn.training.networks.catalogue import make_network
from vs_espcn.training.networks.layers import Network

# float32 (h, w), luma code / 255 → float (scale·h, scale·w) on the same footing
Upscaler = Callable[[NDArray[np.float32]], NDArray[np.floating]]


def as_upscaler(network: Network) -> Upscaler:
    """Let a network upscale arrays, on the device that it is on."""

    @torch.no_grad()
    def upscale(luma: NDArray[np.float32]) -> NDArray[np.float32]:
        device = next(network.parameters()).device
        result: NDArray[np.float32] = (
            network(torch.from_numpy(luma[None, None]).to(device))[0, 0].cpu().numpy()
        )
        return result

    return upscale


def open_checkpoint(path: Path) -> tuple[int, Upscaler]:
    """Take the averaged weights of a run, which are those that it exports.

    Args:
        path: What ``vs-espcn train`` writes beside its network.

    Returns:
        The network's scale, and the network on the CPU.

    Raises:
        InputError: There is no such file, or it is no checkpoint of a network of this version.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; give the .ckpt file of a training run")
    state = load_checkpoint(path)
    of = state["of"]
    network = make_network(of["network"], of["scale"], of["activation"], branches=of.get("branches", False))
    take_weights(path, network, state["average"])
    return network.scale, as_upscaler(network)


def score_pair(truth: NDArray[np.uint8], low: NDArray[np.uint8], scale: int, upscale: Upscaler) -> float:
    """Upscale an image and compare.

    The result is rounded to 8 bit; ``scale`` pixels are shaved from each border.

    Args:
        truth: uint8 (scale·h, scale·w).
        low: uint8 (h, w).
        scale: Integer scale.
        upscale: What is measured.

    Returns:
        PSNR in dB.
    """
    result = round_to_8_bit(upscale((low / 255).astype(np.float32)))
    return psnr(shave(result, scale), shave(truth, scale))
