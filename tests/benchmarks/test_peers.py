"""The data of benchmarks.peers, its statistics, claims, results page and plot data."""

import numpy as np
import pytest

from benchmarks.peers import (
    claims,
    comparison,
    engines,
    inputs,
    measurements,
    operations,
    results_page,
    rounds,
    spreads,
    work_items,
)
from configs import albert_config, errors

ITEMS = {item.name: item for item in work_items.WORK_ITEMS}
ENGINES = {engine.name: engine for engine in engines.ENGINES}


def _measurement(number, engine, seconds, item="inference_b8_s128", **metrics):
    return {"round": number, "item": item, "engine": engine, "seconds": seconds, **metrics}


def _results():
    """Returns two rounds; in the second, the machine is half as fast."""
    return rounds.Results(
        measurements=[
            _measurement(0, "ours float32", 2.0),
            _measurement(1, "ours float32", 4.0),
            _measurement(0, "ours bfloat16", 1.0),
            _measurement(1, "ours bfloat16", 2.0),
            _measurement(0, "Model Garden", 3.0),
            _measurement(1, "Model Garden", 6.0),
            _measurement(0, "OpenVINO bfloat16", 1.5),
        ],
        gemm_rates=[
            {"round": 0, "item": "inference_b8_s128", "float32": 4e11, "bfloat16": 8e11},
            {"round": 1, "item": "inference_b8_s128", "float32": 2e11, "bfloat16": 4e11},
        ],
        failures=[{"engine": "KerasHub float32", "item": "load", "reason": "no disk"}],
    )


def _measured():
    results = _results()
    return measurements.Measurements(results.measurements, results.gemm_rates)


def test_names_are_unique():
    for table in (engines.ENGINES, engines.WORKERS, engines.ENVIRONMENTS, work_items.WORK_ITEMS):
        names = [entry.name for entry in table]
        assert len(set(names)) == len(names)


def test_every_engine_has_a_worker_and_every_worker_an_environment():
    workers = {worker.name for worker in engines.WORKERS}
    environments = {environment.name for environment in engines.ENVIRONMENTS}
    assert {engine.worker for engine in engines.ENGINES} <= workers
    assert {worker.environment for worker in engines.WORKERS} <= environments


@pytest.mark.parametrize("item", work_items.WORK_ITEMS, ids=lambda item: item.name)
def test_ours_take_part_in_every_item_and_so_does_a_peer(item):
    taking_part = {name for name, engine in ENGINES.items() if item.takes(engine)}
    assert set(item.ours) <= taking_part
    assert any(not ENGINES[name].ours for name in taking_part)


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: f"{claim.item}-{claim.engine}")
def test_claims_are_about_what_is_measured(claim):
    assert ITEMS[claim.item].takes(ENGINES[claim.engine])
    assert claim.metric in ITEMS[claim.item].metrics


def test_ratios_compare_within_a_round_and_skip_rounds_that_one_lacks():
    assert spreads.ratios({0: 3.0, 1: 8.0, 2: 1.0}, {0: 2.0, 1: 4.0}) == [1.5, 2.0]


def test_best_is_taken_in_each_round():
    assert spreads.best([{0: 3.0, 1: 1.0}, {0: 2.0, 1: 5.0}, {}]) == {0: 2.0, 1: 1.0}


def test_spread_is_median_least_and_greatest():
    assert spreads.spread([4.0, 1.0, 2.0]) == spreads.Spread(2.0, 1.0, 4.0)


def test_operations_of_a_row_by_the_products_it_needs():
    config = albert_config.load("tiny")  # E=16, H=32, F=64, three layers
    length = 5
    products = (
        [(length, 16, 32)]
        + [(length, 32, 32)] * 4 * 3
        + [(length, 32, 64), (length, 64, 32)] * 3
        # All heads at once: their widths add up to H.
        + [(length, 32, length), (length, length, 32)] * 3
        + [(1, 32, 32)]
    )
    expected = sum(2 * rows * width * columns for rows, width, columns in products)
    assert operations.inference([length], config) == expected
    assert operations.inference([length, length], config) == 2 * expected


def test_shares_are_of_the_rate_of_the_same_round_and_type():
    item = ITEMS["inference_b8_s128"]
    needed = measurements.needed_operations(item)
    shares = _measured().shares(item, ENGINES["ours bfloat16"])
    assert shares == {0: needed / 1.0 / 8e11, 1: needed / 2.0 / 4e11}


def test_a_claim_takes_the_best_peer_of_each_round():
    claim = claims.Claim(
        item="inference_b8_s128", engine="ours bfloat16", against=claims.ALL_PEERS, at_least=1
    )
    # Round 0: OpenVINO 1.5 / 1.0; round 1: only Model Garden, 6.0 / 2.0.
    assert claims.check(claim, _measured()) == spreads.Spread(2.25, 1.5, 3.0)


def test_a_claim_without_measurements_is_left_open():
    claim = claims.Claim(
        item="load", engine="ours float32", against=claims.GARDEN, at_least=1, metric="load_seconds"
    )
    assert claims.check(claim, _measured()) is None


def test_the_results_page_shows_ratios_claims_and_failures():
    text = results_page.markdown(_results(), items=[ITEMS["inference_b8_s128"]], num_rounds=2)
    row = next(line for line in text.splitlines() if line.startswith("| Model Garden |"))
    assert "4.5 s (3-6)" in row
    assert "1.50 (1.50-1.50) | 3.00 (3.00-3.00)" in row
    assert "| the best peer in float32 | 1 | 1.50 (1.50-1.50) | yes |" in text
    assert "- KerasHub float32, load: no disk" in text


def test_the_plot_compares_with_ours_of_the_same_type():
    (panel,) = results_page.plot_data(_results(), items=[ITEMS["inference_b8_s128"]])
    medians = {bar["engine"]: bar["median"] for bar in panel["bars"]}
    assert medians["OpenVINO bfloat16"] == 1.5  # over ours in bfloat16, in round 0
    assert medians["Model Garden"] == 1.5


def test_only_narrows_items_and_peers_but_keeps_ours():
    items, chosen = comparison.select("inference_b8, openvino")
    assert [item.name for item in items] == ["inference_b8_s128"]
    assert {engine.name for engine in chosen if not engine.ours} == {
        name for name in ENGINES if "OpenVINO" in name
    }
    assert {name for name, engine in ENGINES.items() if engine.ours} < {
        engine.name for engine in chosen
    }


def test_only_refuses_a_word_that_names_nothing():
    with pytest.raises(errors.InputError, match="'openvina'"):
        comparison.select("openvina")


def test_inputs_are_the_same_each_time_and_padded_on_the_right(tmp_path):
    for name in ("first", "second"):
        inputs.write(str(tmp_path / name))
    for name, (lengths, seq_length) in inputs.lengths().items():
        first, second = (
            np.load(inputs.path(str(tmp_path / run), name)) for run in ("first", "second")
        )
        for key in first:
            np.testing.assert_array_equal(first[key], second[key])
        assert first["input_mask"].shape == (len(lengths), seq_length)
        np.testing.assert_array_equal(first["input_mask"].sum(axis=1), lengths)
        assert not (first["input_word_ids"] * (1 - first["input_mask"])).any()


def test_realistic_lengths_have_the_mean_of_their_distribution():
    lengths, _ = inputs.lengths()["b32_realistic"]
    assert np.mean(lengths) == pytest.approx(np.exp(2.9 + 0.6**2 / 2), abs=0.5)


def test_there_are_enough_distinct_sentences():
    sentences = inputs.sentences()
    assert len(sentences) == len(set(sentences))
    assert len(sentences) >= 300
