"""``--network auto`` on the command line: chosen once, said, and then the same for all that follows."""

from collections.abc import Mapping
from logging import INFO, WARNING
from typing import TYPE_CHECKING, Any

from vs_espcn.logs import console_logger

if TYPE_CHECKING:
    import vapoursynth as vs


def with_network_chosen(arguments: Mapping[str, Any], clip: "vs.VideoNode") -> dict[str, Any]:
    """The filter's arguments with the network chosen for a clip; what was chosen, and why, is said.

    Args:
        arguments: Of `vs_espcn.upscale`: at least the size, network and backend.
        clip: What is upscaled. If its format or size varies, the filter has to choose.

    Raises:
        EspcnError: As from `vs_espcn.filter.upscale.chosen_network`.
    """
    from vs_espcn.filter.auto_network import criteria_for
    from vs_espcn.filter.upscale import chosen_network
    from vs_espcn.filter.variable_format import is_varying

    left = {name: value for name, value in arguments.items() if name not in {"source", "fps"}}
    if not criteria_for(arguments["network"], arguments.get("source"), arguments.get("fps")):
        return left
    if is_varying(clip):
        return dict(arguments)
    choice = chosen_network(clip, **arguments)
    fields = {"network": choice.network}
    console_logger.log(INFO if choice.granted else WARNING, "%s", choice, extra={"fields": fields})
    return left | fields
