"""Run networks and checkpoints on arrays, and score them by the protocol of the literature."""

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

# float32 (h, w), luma code / 255 → float (scale·h, scale·w), luma code / 255
Upscaler = Callable[[NDArray[np.float32]], NDArray[np.floating]]


def as_upscaler(network: Network) -> Upscaler:
    """Return a function that upscales arrays with a network, on the network's device."""

    @torch.no_grad()
    def upscale(luma: NDArray[np.float32]) -> NDArray[np.float32]:
        device = next(network.parameters()).device
        result: NDArray[np.float32] = (
            network(torch.from_numpy(luma[None, None]).to(device))[0, 0].cpu().numpy()
        )
        return result

    return upscale


def open_checkpoint(path: Path) -> tuple[int, Upscaler]:
    """Open a checkpoint with its averaged weights, which are the ones that a run exports.

    Args:
        path: A ``.ckpt`` file of ``vs-espcn train``.

    Returns:
        The network's scale, and the network on the CPU.

    Raises:
        InputError: There is no such file, or it is not a checkpoint of this version.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; give the .ckpt file of a training run")
    state = load_checkpoint(path)
    of = state["of"]
    network = make_network(of["network"], of["scale"], of["activation"], branches=of.get("branches", False))
    take_weights(path, network, state["average"])
    return network.scale, as_upscaler(network)


def score_pair(truth: NDArray[np.uint8], low: NDArray[np.uint8], scale: int, upscale: Upscaler) -> float:
    """Upscale an image and compare it with the ground truth.

    The result is rounded to 8 bits; ``scale`` pixels at each border don't count.

    Args:
        truth: uint8 (scale·h, scale·w).
        low: uint8 (h, w).
        scale: Integer scale.
        upscale: The function to measure.

    Returns:
        PSNR in dB; infinity for equal images.
    """
    result = round_to_8_bit(upscale((low / 255).astype(np.float32)))
    return psnr(shave(result, scale), shave(truth, scale))
