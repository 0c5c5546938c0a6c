"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al., 2024).

A network of a few thousand weights can afford a full second-order picture of
each layer. For the gradient G of a layer, taken as a matrix (outputs, inputs),
the running means of G·Gᵀ and Gᵀ·G give two bases of eigenvectors; Adam runs in
these bases, where the loss is close to axis-aligned.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Soap(torch.optim.Optimizer):
    """SOAP for matrices and kernels; plain Adam for vectors."""

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.9,
        memory: float = 0.99,
        refresh: int = 10,
    ) -> None:
        """Prepare to optimise.

        Args:
            params: Weights, or groups of them; all but vectors are seen as (first axis, all others).
            lr: Size of a step, as in Adam.
            momentum: Share of the past in the mean of gradients.
            memory: Share of the past in the means of squares and of outer products.
            refresh: Steps between two refinements of the bases.
        """
        super().__init__(params, {"lr": lr, "momentum": momentum, "memory": memory, "refresh": refresh})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step along the gradients of the parameters."""
        del closure  # losses are computed once per step
        for group in self.param_groups:
            for param in group["params"]:
                self._update(param, param.grad, group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where a state was taken.

        Raises:
            ValueError: The state belongs to other weights.
        """
        super().load_state_dict(state_dict)
        for param in (param for group in self.param_groups for param in group["params"]):
            held, first = self.state.get(param), _first_state(param.detach().reshape(len(param), -1))
            if held and _form(held) != _form(first):
                raise ValueError("a state of other weights")

    def _update(self, param: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, memory = self.state[param], group["memory"]
        grad = gradient.reshape(len(param), -1)  # (outputs, inputs); a vector becomes a column
        if not state:
            state.update(_first_state(grad))
        state["step"] += 1
        step = state["step"]
        state["mean"].lerp_(grad, 1 - group["momentum"])
        if param.ndim > 1:
            state["outer"][0].lerp_(grad @ grad.T, 1 - memory)
            state["outer"][1].lerp_(grad.T @ grad, 1 - memory)
            self._refresh(state, group["refresh"])
        rows, columns = state["basis"]
        turned = rows.T @ grad @ columns
        state["square"].mul_(memory).addcmul_(turned, turned, value=1 - memory)
        mean = (rows.T @ state["mean"] @ columns) / (1 - group["momentum"] ** step)
        square = state["square"] / (1 - memory**step)
        direction = rows @ (mean / (square.sqrt() + 1e-12)) @ columns.T
        param.sub_(group["lr"] * direction.reshape(param.shape))

    @staticmethod
    def _refresh(state: dict[str, Any], every: int) -> None:
        """Make the bases follow: exactly while there is little to go by, then by one power iteration."""
        if state["step"] in {1, every}:
            state["basis"] = [
                torch.linalg.eigh(outer.double())[1].flip(1).float() for outer in state["outer"]
            ]
        elif state["step"] % every == 0:
            state["basis"] = [
                torch.linalg.qr(outer @ basis)[0]
                for outer, basis in zip(state["outer"], state["basis"], strict=True)
            ]


def _first_state(grad: Tensor) -> dict[str, Any]:
    """What is known of a layer before its first step, from its gradient (outputs, inputs)."""
    return {
        "step": 0,
        "mean": torch.zeros_like(grad),
        "square": torch.zeros_like(grad),
        "outer": [grad.new_zeros(side, side) for side in grad.shape],
        "basis": [torch.eye(side, device=grad.device) for side in grad.shape],
    }


def _form(value: object) -> object:
    """Types and shapes, which have to agree."""
    if isinstance(value, Tensor):
        return value.shape, value.dtype
    if isinstance(value, dict):
        return {name: _form(each) for name, each in value.items()}
    return [_form(each) for each in value] if isinstance(value, list) else type(value)
