"""What holds after every test on the double."""

import gc
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
    assert get("live") == before
    assert get("violations") == 0, "the lines on stderr that begin with 'double:' say which"
