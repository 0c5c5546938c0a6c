"""One line that describes a run: network and reason, sizes, backend and device."""

import vapoursynth as vs

from vs_espcn.filter.auto_network import NetworkChoice
from vs_espcn.filter.options import UpscaleOptions
from vs_espcn.filter.sample_formats import sample_format
from vs_espcn.filter.target_size import steps_to
from vs_espcn.runtime.backend_report import running_on
from vs_espcn.runtime.precision import form_for, resolve


def run_summary(clip: vs.VideoNode, options: UpscaleOptions, choice: NetworkChoice | None) -> str:
    """Describe in one line what `vs_espcn.upscale` does to a clip.

    Args:
        clip: The source, of constant format and size.
        options: Those of the filter; the network is named.
        choice: Why it is that network; None if the user named it.

    Returns:
        Such as ``network espcn: as named; 960x540 to 1920x1080; openvino on CPU, fp32``.

    Raises:
        EspcnError: As the causes of the errors of `vs_espcn.upscale`.
    """
    steps = steps_to(clip, str(options.network), options.scale, options.width, options.height)
    step = steps.steps[0]
    backend = resolve(step, options.runs_on, sample_format(clip.format).depth).backend
    network, why = form_for(step, options.runs_on).network, choice.reason if choice else "as named"
    size = f"{clip.width}x{clip.height} to {steps.width}x{steps.height}"
    return f"network {network}: {why}; {size}; {running_on(backend)}"
