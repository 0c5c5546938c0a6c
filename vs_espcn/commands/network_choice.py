"""``--network auto`` on the command line: choose a network once, and report what runs in one line."""

from dataclasses import replace
from logging import INFO, WARNING
from typing import TYPE_CHECKING

from vs_espcn.logs import console_logger

if TYPE_CHECKING:
    import vapoursynth as vs

    from vs_espcn.filter.auto_network import NetworkChoice
    from vs_espcn.filter.options import UpscaleOptions


def with_network_chosen(
    options: "UpscaleOptions", clip: "vs.VideoNode", *, lossless: str | None = None
) -> "tuple[UpscaleOptions, NetworkChoice | None]":
    """Return the options with a network named, and the reason for it; None if the user named it.

    Args:
        options: Those of the filter.
        clip: What is upscaled. If its format or size varies, the filter has to choose.
        lossless: The codec that lost nothing of the source: then ``"clean"`` is
            its kind, unless the user gave another. None if there is no such codec.

    Raises:
        EspcnError: As from `vs_espcn.filter.upscale.chosen_network`.
    """
    from vs_espcn.filter.upscale import chosen_network
    from vs_espcn.filter.variable_format import is_varying

    if options.criteria is None or is_varying(clip):
        return options, None
    is_clean = lossless is not None and options.source is None
    if is_clean:
        options = replace(options, source="clean")
    choice = chosen_network(clip, options)
    if is_clean:
        choice = replace(choice, reason=f"{choice.reason}, since the source is {lossless}")
    return options.with_network(choice.network), choice


def report_run(
    options: "UpscaleOptions", clip: "vs.VideoNode", choice: "NetworkChoice | None", encoder: str | None
) -> None:
    """Show one line on what runs.

    Args:
        options: Those of the filter, from `with_network_chosen`.
        clip: What is upscaled. If its format or size varies, there is no such line.
        choice: From `with_network_chosen`.
        encoder: ffmpeg's name of the encoder; None if nothing is encoded.
    """
    from vs_espcn.filter.run_summary import run_summary
    from vs_espcn.filter.variable_format import is_varying

    if is_varying(clip):
        return
    line = run_summary(clip, options, choice) + (f"; {encoder}" if encoder else "")
    level = INFO if choice is None or choice.reaches_fps else WARNING
    console_logger.log(level, "%s", line, extra={"fields": {"network": options.network, "encoder": encoder}})
