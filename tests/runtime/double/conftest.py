"""What holds after every test on the double."""

import gc
import time
from collections.abc import Iterator

import pytest

from tests.runtime.double.driver import get, set_


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """What a test allocated is freed once nothing refers to it, and no rule of the driver was broken."""
    gc.collect()
    gc.freeze()  # what is alive by now need not be looked through again
    before = get("live")
    set_("violations", 0)
    yield
    set_("fail_in", 0)
    gc.collect()
    for _ in range(100):  # VapourSynth lets go of a clip a moment after its last reference
        if get("live") == before:
            break
        time.sleep(0.05)
        gc.collect()
    assert get("live") == before
    assert get("violations") == 0, "the lines on stderr that begin with 'double:' say which"
