"""``--network auto`` on the command line: chosen once, reported, and kept for all that follows."""

from logging import INFO, WARNING
from typing import TYPE_CHECKING

from vs_espcn.logs import console_logger

if TYPE_CHECKING:
    import vapoursynth as vs

    from vs_espcn.filter.options import UpscaleOptions


def with_network_chosen(options: "UpscaleOptions", clip: "vs.VideoNode") -> "UpscaleOptions":
    """Return the options with the network named; report which network was chosen for a clip, and why.

    Args:
        options: Those of the filter.
        clip: What is upscaled. If its format or size varies, the filter has to choose.

    Raises:
        EspcnError: As from `vs_espcn.filter.upscale.chosen_network`.
    """
    from vs_espcn.filter.upscale import chosen_network
    from vs_espcn.filter.variable_format import is_varying

    if options.criteria is None or is_varying(clip):
        return options
    choice = chosen_network(clip, options)
    fields = {"network": choice.network}
    console_logger.log(INFO if choice.reaches_fps else WARNING, "%s", choice, extra={"fields": fields})
    return options.with_network(choice.network)
