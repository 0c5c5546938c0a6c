"""Train networks for a few steps by the recipe ``modern``, to compare them in one run."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from vs_espcn.training.data.patches import Patches
from vs_espcn.training.networks.layers import Network
from vs_espcn.training.recipes import MODERN
from vs_espcn.training.schedule import Schedule

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Function from low resolution, the network's phases and the true phases to a scalar to minimise."""


def squared_error(low: Tensor, phases: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared error, the loss of the recipe."""
    del low
    return functional.mse_loss(phases, truth)


def train_briefly(
    network: Network, patches: Patches, schedule: Schedule, *, steps: int, loss: Loss = squared_error
) -> None:
    """Train a network in place, in bfloat16 if the processor has it."""
    optimizer = MODERN.optimizer(network.to(memory_format=torch.channels_last))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step, step / steps) * group["speed"]
        low, truth = map(torch.from_numpy, patches.draw())
        with torch.autocast("cpu", torch.bfloat16):
            error = loss(low, network.phases(low), truth)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
