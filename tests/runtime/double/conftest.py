"""What holds after every test on the double."""

import gc
from collections.abc import Iterator

import pytest

from tests.runtime.double.driver import get, set_


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """Whatever a test allocated on the GPU is freed once nothing refers to it."""
    gc.collect()
    gc.freeze()  # what is alive by now need not be looked through again
    before = get("live")
    yield
    set_("fail_in", 0)
    gc.collect()
    assert get("live") == before
