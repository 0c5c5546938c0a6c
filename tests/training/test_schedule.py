import pytest
import torch

from vs_espcn.training.schedule import Cosine, Plateau


def test_cosine_rises_then_falls_to_zero() -> None:
    schedule = Cosine(peak=2.0, warm_up=4)
    assert [schedule.rate(step, 0.0) for step in range(5)] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert schedule.rate(100, 0.5) == pytest.approx(1.0)
    assert schedule.rate(100, 1.0) == 0.0
    assert not schedule.finished


def plateau() -> Plateau:
    return Plateau(first=1e-2, last=1e-4, threshold=0.01, batches_per_epoch=2, patience=3)


def show(schedule: Plateau, *epoch_costs: float) -> None:
    for cost in epoch_costs:
        schedule.observe(torch.tensor(cost - 0.25))
        schedule.observe(torch.tensor(cost + 0.25))


def test_the_rate_stays_while_the_cost_improves() -> None:
    schedule = plateau()
    show(schedule, 8.0, 7.0, 6.0)
    assert schedule.rate(0, 0) == 1e-2


def test_the_rate_falls_by_half_a_decade_when_improvement_is_small_but_not_below_the_last() -> None:
    schedule = plateau()
    rates = []
    for index in range(6):
        show(schedule, 8.0 - index / 128)
        rates.append(schedule.rate(0, 0))
    assert rates == pytest.approx([1e-2, 1e-2 / 10**0.5, 1e-3, 1e-3 / 10**0.5, 1e-4, 1e-4])
    assert not schedule.finished


def test_the_run_ends_after_epochs_without_any_improvement() -> None:
    schedule = plateau()
    show(schedule, 8.0, 8.0, 9.0)
    assert not schedule.finished
    show(schedule, 8.0)
    assert schedule.finished


def test_an_improvement_starts_the_count_again() -> None:
    schedule = plateau()
    show(schedule, 8.0, 8.0, 8.0, 7.0, 7.0, 7.0)
    assert not schedule.finished


def test_a_restored_schedule_goes_on_where_it_was() -> None:
    schedule, resumed = plateau(), plateau()
    show(schedule, 8.0, 8.0)
    schedule.observe(torch.tensor(1.0))
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.state_dict() == schedule.state_dict()
    for one in (schedule, resumed):
        one.observe(torch.tensor(30.0))
        show(one, 9.0)
    assert resumed.finished
    assert schedule.finished
    assert resumed.rate(0, 0) == schedule.rate(0, 0)
