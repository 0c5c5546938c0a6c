import pytest

from vs_espcn import OpenVINO
from vs_espcn.bench import network_table
from vs_espcn.bench.cpu import UpscaleCase
from vs_espcn.errors import InputError
from vs_espcn.networks import registry
from vs_espcn.networks.quality import SOURCES


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        network_table, "UpscaleCase", lambda scale: UpscaleCase(scale=scale, width=96, height=64)
    )


def test_every_shipped_network_has_a_row_beside_bicubic() -> None:
    rows = list(network_table.rows(None, OpenVINO(), timed=False, int8=True))
    shipped = {(spec.network, spec.scale) for spec in registry.shipped()}
    bicubic = {("bicubic", scale) for scale in network_table.scales()}
    assert {(row.network, row.scale) for row in rows} == shipped | bicubic
    assert all(row.quality is not None for row in rows)
    assert [row.scale for row in rows] == sorted(row.scale for row in rows)
    assert all(row.ms is None for row in rows)
    for scale in network_table.scales():
        chosen = [source for row in rows if row.scale == scale for source in row.chosen_for]
        assert sorted(chosen) == sorted(SOURCES), "auto takes one network for each kind of source"


def test_int8_forms_are_listed_if_asked_for() -> None:
    rows = list(network_table.rows(2, OpenVINO(precision="fp32"), timed=False))
    assert not [row.network for row in rows if row.network.endswith(registry.INT8_SUFFIX)]


@pytest.mark.usefixtures("with_vnni")
def test_in_int8_auto_takes_int8_forms() -> None:
    rows = list(network_table.rows(2, OpenVINO(precision="int8"), timed=False))
    chosen = {source: row.network for row in rows for source in row.chosen_for}
    assert sorted(chosen) == sorted(SOURCES)
    assert all(network.endswith(registry.INT8_SUFFIX) for network in chosen.values())


def test_speed_is_measured_where_a_network_can_run() -> None:
    rows = {
        row.network: row for row in network_table.rows(3, OpenVINO(precision="fp32"), timed=True, int8=True)
    }
    assert (rows["espcn"].ms or 0) > 0
    assert (rows["bicubic"].ms or 0) > 0
    assert rows["espcn-int8"].ms is None, "it has no fp32"


def test_a_scale_that_no_network_has() -> None:
    with pytest.raises(InputError, match="scale 7 has no network; choose one of 2, 3, 4"):
        list(network_table.rows(7, OpenVINO(), timed=False))
