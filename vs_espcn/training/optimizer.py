"""Restore an optimiser from a checkpoint."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def restore_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Restore an optimiser's state, but keep its options.

    Args:
        optimizer: A new optimiser; it is changed in place.
        state: The `state_dict` of an optimiser of the same kind, for weights of the same shapes.

    Raises:
        ValueError: The state is of another optimiser or other weights. PyTorch
            raises other errors for malformed states.
    """
    options = [
        {name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups
    ]
    example = _after_a_step(optimizer)
    optimizer.load_state_dict(state)
    if _form(optimizer.state_dict()) != _form(example.state_dict()):
        raise ValueError("a state of other weights")
    for group, own in zip(optimizer.param_groups, options, strict=True):
        if group.get("step", 1) < 1:
            raise ValueError("no step taken")
        group.update(own)
    for weight, like in zip(_weights(optimizer), _weights(example), strict=True):
        # Some optimisers also keep options in their state.
        own = {name: value for name, value in example.state[like].items() if isinstance(value, int | float)}
        optimizer.state[weight].update(own)


def _after_a_step(optimizer: Optimizer) -> Optimizer:
    """Return a copy that has taken a step along gradients of zero."""
    copy = deepcopy(optimizer)
    for weight in _weights(copy):
        weight.grad = torch.zeros_like(weight)
    copy.step()
    return copy


def _weights(optimizer: Optimizer) -> list[Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _form(value: object) -> object:
    """Return the types and shapes, which have to agree."""
    if isinstance(value, Tensor):
        return value.shape, value.dtype
    if isinstance(value, dict):
        return {name: _form(each) for name, each in value.items()}
    return [_form(each) for each in value] if isinstance(value, list) else type(value)
