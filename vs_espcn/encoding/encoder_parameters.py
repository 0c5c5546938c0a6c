"""Parameters that encoders take in one option of their own, such as ``-x264-params``."""

from collections.abc import Sequence

PARAMETER_OPTIONS = {
    "libx264": "-x264-params",
    "libx265": "-x265-params",
    "libsvtav1": "-svtav1-params",
}
"""Encoder → its option for parameters."""


def with_parameters(encoder: str, parameters: Sequence[str], args: Sequence[str]) -> list[str]:
    """Add parameters to an encoder's options.

    Args:
        encoder: A key of `PARAMETER_OPTIONS`.
        parameters: Each as ``name=value``.
        args: Options for ffmpeg; parameters among them win over the others.
    """
    option, merged = PARAMETER_OPTIONS[encoder], list(args)
    if not parameters:
        return merged
    for place, argument in enumerate(merged[:-1]):
        if argument == option:
            merged[place + 1] = ":".join([*parameters, merged[place + 1]])
            return merged
    return [*merged, option, ":".join(parameters)]
