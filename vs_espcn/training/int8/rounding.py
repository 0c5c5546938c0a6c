"""Round a trained network's weights to 8-bit codes so that its results change least.

Rounding each weight to its nearest code costs 0.4 to 0.7 dB at x2. Neighbouring
pixels are so similar that one weight can compensate the error of another:
weights are rounded one after the other, and the error of each is spread over
those that are still floats, weighted by the correlation of the inputs (GPTQ,
Frantar et al., ICLR 2023, after the Optimal Brain Surgeon). Each layer is
fitted to the float network's result on the same patches, so it also
compensates the errors of the layers before it.
"""

from copy import deepcopy

import torch
from torch import Tensor
from torch.nn import functional

from vs_espcn.training.networks.int8 import CodedConv, Int8Network
from vs_espcn.training.networks.quantization import LEVELS

_DAMPING = 1e-4  # of the inputs' mean square, added to each, for directions that the patches don't cover
_CHUNK = 16  # patches at once


@torch.no_grad()
def round_weights(network: Int8Network, low: Tensor) -> Int8Network:
    """Round all weights; biases stay floats.

    Args:
        network: A calibrated network on any device; it is not changed.
        low: Typical patches, float32 (N, 1, H, W), luma code / 255, on which results change least.

    Returns:
        A copy on the CPU whose weights are integer multiples of their layer's ``weight_steps``.
    """
    rounded = deepcopy(network).cpu()
    exact = ours = rounded.spread_out(low)
    for layer in rounded.layers:
        target = deepcopy(layer)
        if ours is not exact:
            ours, exact = layer.round_input(ours), layer.scale_input(exact)
        moments, cross = _moments(layer, ours, exact)
        weights = _best_on(_as_rows(layer), moments, cross)
        steps = weights[:, :-1].abs().amax(1).clamp(min=1e-12) / LEVELS
        _set_rows(layer, _round_rows(weights, moments, steps))
        layer.weight_steps.copy_(steps)
        ours, exact = rounded.activate(layer(ours)), rounded.activate(target(exact))
    return rounded


def _as_rows(layer: CodedConv) -> Tensor:
    """Return weights and bias, float64 (outputs, inputs·height·width + 1)."""
    return torch.cat([layer.weight.flatten(1), layer.bias_[:, None]], 1).double()


def _set_rows(layer: CodedConv, rows: Tensor) -> None:
    layer.weight.copy_(rows[:, :-1].reshape(layer.weight.shape))
    layer.bias_.copy_(rows[:, -1])


def _moments(layer: CodedConv, ours: Tensor, exact: Tensor) -> tuple[Tensor, Tensor]:
    """Return the second moments of a layer's inputs, and the exact inputs' cross moments with them.

    Returns:
        Two damped matrices, float64 (K, K), with K columns as in `_as_rows`.
    """
    size, padding = layer.kernel_size, layer.padding
    assert not isinstance(padding, str)

    def windows(x: Tensor) -> Tensor:
        columns = functional.unfold(x, size, padding=padding).double().transpose(0, 1).flatten(1)
        return torch.cat([columns, columns.new_ones(1, columns.shape[1])])

    side = layer.weight[0].numel() + 1
    moments, cross = torch.zeros(2, side, side, dtype=torch.float64)
    for part, exact_part in zip(torch.split(ours, _CHUNK), torch.split(exact, _CHUNK), strict=True):
        columns = windows(part)
        moments += columns @ columns.T
        cross += windows(exact_part) @ columns.T
    mean = moments.diagonal()[:-1].mean().clamp(min=1e-12)  # 0 if all inputs are zero
    damping = torch.eye(side, dtype=torch.float64) * mean * _DAMPING
    damping[-1, -1] = 0  # the bias
    return moments + damping, cross + damping


def _best_on(rows: Tensor, moments: Tensor, cross: Tensor) -> Tensor:
    """Return the least-squares weights that give on our inputs what `rows` give on the exact ones."""
    best: Tensor = torch.linalg.solve(moments, (rows @ cross).T).T
    return best


def _round_rows(rows: Tensor, moments: Tensor, steps: Tensor) -> Tensor:
    """Round all columns but the last, the bias; each compensates the errors of those before it."""
    last = len(moments) - 1
    order = moments.diagonal()[:-1].argsort(descending=True, stable=True)
    order = torch.cat([order, order.new_tensor([last])])
    rows = rows[:, order]
    factor = torch.linalg.cholesky(torch.linalg.inv(moments[order][:, order]), upper=True)
    for column in range(last):
        codes = (rows[:, column] / steps).round().clamp(-LEVELS, LEVELS)
        lost = (rows[:, column] - codes * steps) / factor[column, column]
        rows[:, column] = codes * steps
        rows[:, column + 1 :] -= lost[:, None] * factor[column, column + 1 :]
    return rows[:, order.argsort()]
