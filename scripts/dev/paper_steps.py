"""Time training steps by where the network or the loop enlarges."""

import math
from collections.abc import Callable
from functools import partial

import torch
from pages import table
from paper_networks import cpu_milliseconds
from torch import Tensor
from torch.nn import functional

from vs_espcn.training.networks.layers import Espcn

Form = Callable[[Espcn, Tensor], Tensor]
"""A network and luma at low resolution to luma at high resolution."""

SCALES = (2, 3, 4)
BATCH, PATCH = 16, 17
LAYER_ROUNDS = 7
SHUFFLE_ROUNDS, SHUFFLE_REPEATS = 40, 10


def deconvolution_kernel(network: Espcn) -> Tensor:
    """The last layer's kernels as one kernel of a deconvolution, (32, 1, 3·scale, 3·scale).

    The kernel of each phase is turned round, and its taps lie ``scale`` apart at the place of its phase.
    """
    phases = network.conv3.weight.flip(2, 3)  # (scale², 32, 3, 3)
    outputs, inputs, side, _ = phases.shape
    scale = math.isqrt(outputs)
    cells = phases.reshape(scale, scale, inputs, side, side).permute(2, 3, 0, 4, 1)
    return cells.reshape(inputs, 1, side * scale, side * scale)


def features(network: Espcn, low: Tensor) -> Tensor:
    """The 32 channels before the last layer."""
    return torch.tanh(network.conv2(torch.tanh(network.conv1(low))))


def by_sub_pixels(network: Espcn, low: Tensor) -> Tensor:
    """The paper's layer: a convolution at low resolution and a shuffle."""
    last = functional.conv2d(features(network, low), network.conv3.weight, padding=1)
    return functional.pixel_shuffle(last, network.scale)


def by_deconvolution(network: Espcn, low: Tensor) -> Tensor:
    """A transposed convolution."""
    scale = network.scale
    kernel = deconvolution_kernel(network)
    return functional.conv_transpose2d(features(network, low), kernel, stride=scale, padding=scale)


def by_enlargement(network: Espcn, low: Tensor) -> Tensor:
    """Features spread over the fine grid with zeros between them, then a convolution there."""
    scale = network.scale
    coarse = features(network, low)
    count, channels, height, width = coarse.shape
    fine = coarse.new_zeros(count, channels, scale * height, scale * width)
    fine[:, :, ::scale, ::scale] = coarse
    before, after = 2 * scale - 1, scale
    kernel = deconvolution_kernel(network).flip(2, 3).transpose(0, 1)
    result = functional.conv2d(functional.pad(fine, (before, after, before, after)), kernel)
    return result[:, :, : scale * height, : scale * width]


FORMS: dict[str, Form] = {
    "sub-pixel": by_sub_pixels,
    "deconvolution": by_deconvolution,
    "enlarge, then convolve": by_enlargement,
}


def layer_table() -> str:
    """A training step with each form of the last layer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for scale in SCALES:
        network = Espcn(scale)
        low, high = torch.rand(BATCH, 1, PATCH, PATCH), torch.rand(BATCH, 1, PATCH * scale, PATCH * scale)
        results = {name: form(network, low).detach() for name, form in FORMS.items()}
        gap = max(float((each - results["sub-pixel"]).abs().max()) for each in results.values())

        def step(
            form: Callable[[Espcn, Tensor], Tensor],
            network: Espcn = network,
            x: Tensor = low,
            y: Tensor = high,
        ) -> None:
            network.zero_grad()
            functional.mse_loss(form(network, x), y).backward()  # type: ignore[no-untyped-call]

        work = {name: partial(step, form) for name, form in FORMS.items()}
        times = cpu_milliseconds(work, rounds=LAYER_ROUNDS)
        slower = [f"{times[name] / times['sub-pixel']:.2f}" for name in FORMS if name != "sub-pixel"]
        cells = [f"{milliseconds:.1f}" for milliseconds in times.values()]
        rows.append([str(scale), *cells, *slower, f"{math.log2(scale**2):.2f}", f"{gap:.0e}"])
    head = ["scale", *(f"{name}, ms" for name in FORMS), "deconvolution slower by", "enlarging slower by"]
    return table([*head, "the paper's log2(scale²)", "results differ by at most"], rows)


def _on_phases(network: Espcn, low: Tensor, phases: Tensor) -> Tensor:
    return functional.mse_loss(network.phases(low), phases)


def _on_images(network: Espcn, low: Tensor, image: Tensor) -> Tensor:
    return functional.mse_loss(network(low), image)


def shuffle_table() -> str:
    """A training step against rearranged targets, and one that shuffles in the loop."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for scale in SCALES:
        network = Espcn(scale)
        low, image = torch.rand(BATCH, 1, PATCH, PATCH), torch.rand(BATCH, 1, PATCH * scale, PATCH * scale)
        phases = functional.pixel_unshuffle(image, scale)

        def step(loss_of: Callable[[], Tensor], network: Espcn = network) -> Tensor:
            network.zero_grad()
            loss_of().backward()  # type: ignore[no-untyped-call]
            return torch.cat([each.grad.flatten() for each in network.parameters() if each.grad is not None])

        losses: dict[str, Callable[[], Tensor]] = {
            "data": partial(_on_phases, network, low, phases),
            "loop": partial(_on_images, network, low, image),
        }
        gap = float((step(losses["data"]) - step(losses["loop"])).abs().max())
        work = {name: partial(step, loss) for name, loss in losses.items()}
        times = cpu_milliseconds(work, rounds=SHUFFLE_ROUNDS, repeats=SHUFFLE_REPEATS)
        cells = [f"{times['data']:.2f}", f"{times['loop']:.2f}", f"{times['loop'] / times['data']:.3f}"]
        rows.append([str(scale), *cells, f"{gap:.0e}"])
    head = ["scale", "rearranged targets, ms", "shuffle in the loop, ms", "times"]
    return table([*head, "gradients differ by at most"], rows)
