"""How contestants take turns."""

import pytest

from vs_espcn.bench import interleaving
from vs_espcn.bench.interleaving import Contestant, ContestantKey, measure


def test_contestants_alternate_and_slow_ones_do_less(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    calls: list[tuple[str, int]] = []

    def contestant(name: str, seconds: float) -> Contestant:
        def run(frames: int) -> None:
            nonlocal now
            now += frames * seconds
            calls.append((name, frames))

        return Contestant(ContestantKey(name), run)

    monkeypatch.setattr(interleaving.time, "perf_counter", lambda: now)
    runners = [contestant("quick", 0.01), contestant("middle", 0.02), contestant("slow", 8)]

    rates = measure(runners, frames=40, repeats=3)

    assert [[round(rate, 3) for rate in of_one] for of_one in rates] == [[100] * 3, [50] * 3, [0.125] * 3]
    assert calls[-9:] == [("quick", 40), ("middle", 40), ("slow", 1)] * 3
