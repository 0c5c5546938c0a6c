import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from vs_espcn.training.optimizer import Soap


def test_vectors_follow_adam() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Parameter(torch.ones(5)), nn.Parameter(torch.ones(5))
    soap = Soap([ours], lr=0.1, momentum=0.9, memory=0.99)
    adam = torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99), eps=1e-12)
    for _ in range(20):
        gradient = torch.randn(5)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        soap.step()
        adam.step()
    torch.testing.assert_close(ours, theirs)


def steps_to_fit(
    optimizer_of: Callable[[list[nn.Parameter]], torch.optim.Optimizer], limit: int = 2000
) -> int:
    """Steps until a badly conditioned linear map is found."""
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(12, 12, generator=generator))[0]
    scales = torch.logspace(0, -2, 12)
    truth = torch.randn(4, 12, generator=generator)
    weight = nn.Parameter(torch.zeros(4, 12))
    optimizer = optimizer_of([weight])
    for step in range(limit):
        inputs = (torch.randn(64, 12, generator=generator) * scales) @ turn
        loss = ((inputs @ (weight - truth).T) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if ((weight - truth) ** 2).mean() < 0.01:
            return step
    return limit


def test_soap_sees_through_bad_conditioning_faster_than_adam() -> None:
    steps = steps_to_fit(lambda params: Soap(params, lr=0.01))
    twice = 2 * steps
    assert steps_to_fit(lambda params: torch.optim.Adam(params, lr=0.01), limit=twice) == twice


@pytest.mark.parametrize("steps_before", [3, 10, 14])
def test_state_survives_saving(steps_before: int) -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(3, 2, 3, 3))
    gradients = torch.randn(30, *weight.shape)

    def run(param: nn.Parameter, optimizer: Soap, start: int, stop: int) -> None:
        for gradient in gradients[start:stop]:
            param.grad = gradient.clone()
            optimizer.step()

    soap = Soap([weight], lr=0.01, refresh=5)
    run(weight, soap, 0, steps_before)
    resumed_weight = nn.Parameter(weight.detach().clone())
    resumed = Soap([resumed_weight], lr=0.01, refresh=5)
    resumed.load_state_dict(copy.deepcopy(soap.state_dict()))
    run(weight, soap, steps_before, 30)
    run(resumed_weight, resumed, steps_before, 30)
    assert torch.equal(weight, resumed_weight)
