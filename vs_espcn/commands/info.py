"""``vs-espcn info``."""

import typer


def info() -> None:
    """Print versions, devices, shipped networks, and the backend that is picked here."""
    from vs_espcn.networks import registry
    from vs_espcn.runtime import backend_report, hardware

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
    for backend in backend_report.backend_reports():
        state = "out" if not backend.usable else "usable" if picked else "picked"
        picked = picked or backend.usable
        typer.echo(f"{'backend':24}{backend.name} ({state}): {backend.detail}")
