"""Which backends can run here, for ``vs-espcn info``."""

from dataclasses import dataclass

from vs_espcn.errors import BackendError
from vs_espcn.runtime.backends import BACKENDS, Backend
from vs_espcn.runtime.default_backend import probe


@dataclass(frozen=True, kw_only=True)
class BackendReport:
    """Whether a backend can run here.

    Attributes:
        name: The backend's name on the command line.
        usable: Whether ``backend=None`` may pick it.
        detail: Its devices and what ``precision="auto"`` means on them, or why it is out.
    """

    name: str
    usable: bool
    detail: str


def backend_reports() -> list[BackendReport]:
    """Every backend, the preferred one first: ``backend=None`` picks the first that is usable."""
    return [_report(kind()) for kind in BACKENDS.values()]


def _report(backend: Backend) -> BackendReport:
    try:
        return BackendReport(name=backend.name, usable=True, detail=probe(backend))
    except BackendError as error:
        return BackendReport(name=backend.name, usable=False, detail=str(error))
