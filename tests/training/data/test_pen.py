import numpy as np
import pytest

from vs_espcn.training.data.pen import Canvas, curve


def darkness(canvas: Canvas) -> np.ndarray:
    """How much black lies on each pixel of white paper, 0..1."""
    return 1 - canvas.finished(0) / 255


@pytest.mark.parametrize("closed", [False, True])
def test_a_curve_goes_through_its_points(closed: bool) -> None:
    points = np.array([(0.0, 0.0), (30.0, 10.0), (40.0, 50.0), (5.0, 60.0)])
    dense = curve(points, closed=closed)
    for point in points:
        assert np.linalg.norm(dense - point, axis=1).min() < 1e-9
    steps = np.linalg.norm(np.diff(dense, axis=0), axis=1)
    assert steps.max() < 8  # no corners are cut, no jumps
    assert (np.linalg.norm(dense[-1] - dense[0]) < 8) == closed


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("width", [1.0, 2.5, 6.0])
def test_a_line_is_as_wide_as_asked(width: float, angle: float) -> None:
    canvas = Canvas(120, 120, 255)
    ends = 60 + np.outer([-40, 40], (np.cos(angle), np.sin(angle)))
    canvas.line(ends, width, 0)
    ink = darkness(canvas).sum()
    assert ink == pytest.approx(80 * width + np.pi * width**2 / 4, rel=0.2)


def test_a_tapered_line_is_thin_at_its_ends() -> None:
    canvas = Canvas(100, 20, 255)
    canvas.line(np.stack((np.linspace(5, 95, 40), np.full(40, 10.0)), axis=1), 6, 0, taper=1)
    across = darkness(canvas).sum(axis=0)
    assert across[8] < across[20] < across[50] == pytest.approx(6, abs=0.5)
    assert across[92] < across[80] < across[50]


def test_an_area_covers_its_pixels_and_parts_of_those_at_its_edge() -> None:
    canvas = Canvas(20, 20, 255)
    canvas.area(np.array([(2.0, 2.0), (10.5, 2.0), (10.5, 8.0), (2.0, 8.0)]), 0)
    ink = darkness(canvas)
    assert ink[4, 5] == 1
    assert ink[4, 15] == 0
    assert ink[4, 10] == pytest.approx(0.5, abs=0.2)


def test_what_is_drawn_inside_an_area_stays_there() -> None:
    canvas = Canvas(40, 40, 255)
    with canvas.inside(np.array([(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)])):
        canvas.dot(np.array([20.0, 20.0]), 60, 0)
    ink = darkness(canvas)
    assert ink[12:28, 12:28].min() == 1
    ink[9:32, 9:32] = 0
    assert ink.max() == 0


def test_a_gradient_runs_from_one_grey_to_the_other() -> None:
    canvas = Canvas(64, 48, 0)
    canvas.gradient(40, 200, np.pi / 2)
    drawn = canvas.finished(0).astype(int)
    assert (np.ptp(drawn, axis=1) == 0).all()
    assert (np.diff(drawn[:, 0]) >= 0).all()
    assert (drawn[0, 0], drawn[-1, 0]) == (pytest.approx(40, abs=2), pytest.approx(200, abs=2))
