"""The page, the exponents and the errors of benchmarks.growth."""

import pytest

from benchmarks.growth import curves, page
from tests.support import processes


@pytest.mark.parametrize(("power", "factor"), [(0, 3.0), (1, 0.5), (2, 7.0)])
def test_an_exponent_is_the_power_of_a_power_law(power, factor):
    x = [1.0, 4.0, 16.0, 100.0]
    assert page.exponent(x, [factor * value**power for value in x]) == pytest.approx(power)


def test_one_point_has_no_exponent_and_zero_does_not_count():
    assert page.exponent([2.0], [5.0]) is None
    assert page.exponent([1.0, 2.0, 4.0], [0.0, 2.0, 4.0]) == pytest.approx(1)


def test_the_page_has_the_curves_that_were_measured_and_the_picture():
    points = [{"x": x, "seconds": x / 1000, "peak_bytes": 5_000_000} for x in (1000, 10_000)]
    results = {
        "corpus": {"points": points, "date": "2026-01-02", "machine": "two cores", "load": 0.25}
    }
    text = page.markdown(results, picture="../picture.png")
    assert "](../picture.png)" in text
    assert "2026-01-02, two cores, load average 0.2 before" in text
    assert "| 10,000 | 10 | 5 |" in text
    assert "| **exponent** | **1.00** | **0.00** |" in text
    assert text.count("\n## ") == 1
    (panel,) = page.panels(results)
    assert panel["lines"]["peak memory, MB"] == [5.0, 5.0]


def test_sizes_are_drawn_by_their_parameters():
    points = [{"x": x, "seconds": 1.0} for x in curves.CURVES["size"].points]
    (panel,) = page.panels({"size": {"points": points}})
    assert panel["x"] == sorted(panel["x"]) and panel["x"][0] > 1e7


def test_an_unknown_curve_is_refused_with_those_that_there_are(tmp_path):
    done = processes.run(
        "benchmarks.growth", "--only=breadth", cwd=tmp_path, env=processes.environment()
    )
    assert "breadth; the curves are length, batch" in processes.error(done)
