from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vs_espcn.encoding.frame_times import jumps, restarts, rising, usual_step

STEP = Fraction(1, 25)


def at(*numbers: float | None) -> list[Fraction | None]:
    """Times by frame numbers at 25 frames a second."""
    return [None if number is None else Fraction(number) * STEP for number in numbers]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (at(0, 1, 2), at(0, 1, 2)),
        (at(0, None, 2, None), at(0, 1, 2, 3)),
        (at(None, None, 7, 8), at(5, 6, 7, 8)),
        (at(0, 1, 1, 3), at(0, 1, 2, 3)),
        (at(0, 1, 90, 3, 4, 5, 6), at(0, 1, 2, 3, 4, 5, 6)),
        (at(0, 1, 2, 0.5, 4, 5), at(0, 1, 2, 3, 4, 5)),
        (at(*range(9), *range(9)), at(*range(18))),
        (at(*range(50, 59), *range(9)), at(*range(50, 68))),
    ],
)
def test_times_rise_and_known_ones_are_kept(known: list[Fraction | None], expected: list[Fraction]) -> None:
    assert rising(known, STEP) == expected


def test_in_step_with_other_streams_the_clock_is_not_moved() -> None:
    times = rising(at(*range(10), *range(5, 20)), STEP, is_in_step=True)
    assert times[-1] == 19 * STEP
    assert all(after > before for before, after in pairwise(times))


@given(
    st.lists(st.none() | st.integers(0, 90000).map(lambda n: Fraction(n, 90000)), min_size=2), st.booleans()
)
def test_whatever_a_file_says_times_rise(known: list[Fraction | None], is_in_step: bool) -> None:
    if all(time is None for time in known):
        return
    times = rising(known, STEP, is_in_step=is_in_step)
    assert len(times) == len(known)
    assert all(after > before for before, after in pairwise(times))


def test_clocks_that_jump() -> None:
    assert not jumps(at(0, 1, None, 3))
    assert jumps(at(0, 1, 1))
    assert jumps(at(0, 1, 1000))
    assert restarts(at(*range(9), *range(9)), STEP)
    assert not restarts(at(0, 1, 2, 0.5, 4, 5), STEP)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_the_usual_step_is_that_of_the_rate_in_any_clock(rate: Fraction) -> None:
    for tick in (1000, 90000):
        times = [Fraction(round(number / rate * tick), tick) for number in range(200)]
        assert usual_step([*times, *times]) == 1 / rate
