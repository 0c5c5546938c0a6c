"""Reduce OpenVINO's exception texts, which trace its sources, to one line."""

import logging
import re

_log = logging.getLogger(__name__)

_NO_RULE = re.compile(r"No conversion rule found for operations: (.+)")
_WAY = re.compile(
    r"Exception from |.*Check '.*' failed|FrontEnd API failed|While validating|Model wasn't fully converted"
    r"|-- .* with a message:|Shape inference input shapes|Summary:|-- Conversion is failed for|$"
)
_LONGEST = 200


def openvino_reason(error: Exception) -> str:
    """Return the reason of an error in one line; the whole text goes to the log at level info.

    Args:
        error: An error of OpenVINO, or of vs-mlrt's plugin for it.
    """
    text = str(error).strip()
    _log.info("OpenVINO's message: %s", text)
    if missing := _NO_RULE.search(text):
        return f"it has no operator {missing[1][:_LONGEST]}"
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if not _WAY.match(line)] or lines or [type(error).__name__]
    return said[0][:_LONGEST]
