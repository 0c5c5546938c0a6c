"""Encodes are refused before anything is measured."""

from pathlib import Path

import pytest

from vs_espcn.bench.encode import check_encodes
from vs_espcn.errors import InputError


def test_what_cannot_be_encoded_is_named_in_one_line(tmp_path: Path) -> None:
    clip = tmp_path / "notes.mkv"
    clip.write_text("no video")
    with pytest.raises(InputError, match=r"--encode '.*notes\.mkv' cannot be encoded: ") as refused:
        check_encodes(clip)
    assert "\n" not in str(refused.value)
    assert not str(refused.value).endswith(": ")
