"""``vs-espcn info``."""

import typer


def info() -> None:
    """Print versions, devices, shipped networks, and the backend that is picked here."""
    from vs_espcn import models
    from vs_espcn.runtime import report

    for name, version in report.package_versions().items():
        typer.echo(f"{name:24}{version}")
    typer.echo(f"{'instruction sets':24}{' '.join(report.instruction_sets()) or 'not listed by this system'}")
    scales: dict[str, list[str]] = {}
    for spec in models.shipped():
        scales.setdefault(spec.network, []).append(f"x{spec.scale}")
    for network, of_network in scales.items():
        typer.echo(f"{'network':24}{network} {' '.join(of_network)}")
    picked = False
    for backend in report.backend_reports():
        state = "out" if not backend.usable else "usable" if picked else "picked"
        picked = picked or backend.usable
        typer.echo(f"{'backend':24}{backend.name} ({state}): {backend.detail}")
