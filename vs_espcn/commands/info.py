"""``vs-espcn info``."""

import typer

from vs_espcn.errors import BackendError


def info() -> None:
    """Print versions, devices, shipped networks, and the backend that is picked here."""
    from vs_espcn.networks import registry
    from vs_espcn.runtime import hardware
    from vs_espcn.runtime.backends import BACKENDS
    from vs_espcn.runtime.default_backend import probe

    for name, version in hardware.package_versions().items():
        typer.echo(f"{name:24}{version}")
    typer.echo(
        f"{'instruction sets':24}{' '.join(hardware.instruction_sets()) or 'not listed by this system'}"
    )
    scales: dict[str, list[str]] = {}
    for spec in registry.shipped():
        scales.setdefault(spec.network, []).append(f"x{spec.scale}")
    for network, of_network in scales.items():
        typer.echo(f"{'network':24}{network} {' '.join(of_network)}")
    picked = False
    for name, kind in BACKENDS.items():
        try:
            detail, state = probe(kind()), "usable" if picked else "picked"
            picked = True
        except BackendError as error:
            detail, state = str(error), "out"
        typer.echo(f"{'backend':24}{name} ({state}): {detail}")
