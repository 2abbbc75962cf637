"""The data of benchmarks.peers, its statistics, claims, results page and plot data."""

import dataclasses

import numpy as np
import pytest

from benchmarks import machine
from benchmarks.peers import (
    claims,
    comparison,
    engines,
    inputs,
    measurements,
    operations,
    overview,
    results_page,
    rounds,
    setups,
    spreads,
    summary,
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
            _measurement(0, "Optimum in OpenVINO bfloat16", 1.5),
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
    for table in (engines.ENGINES, setups.WORKERS, setups.ENVIRONMENTS, work_items.WORK_ITEMS):
        names = [entry.name for entry in table]
        assert len(set(names)) == len(names)


def test_every_engine_has_a_worker_and_every_worker_an_environment():
    workers = {worker.name for worker in setups.WORKERS}
    environments = {environment.name for environment in setups.ENVIRONMENTS}
    makers = {maker for environment in setups.ENVIRONMENTS for maker in environment.makers}
    assert {engine.worker for engine in engines.ENGINES} <= workers
    assert {worker.environment for worker in setups.WORKERS} | makers <= environments


@pytest.mark.parametrize("item", work_items.WORK_ITEMS, ids=lambda item: item.name)
def test_ours_take_part_in_every_item_and_so_does_a_peer(item):
    assert {engine.ours for engine in engines.ENGINES if item.takes(engine)} == {True, False}


def test_of_peers_only_model_garden_computes_the_padding_of_ragged_rows():
    padding = {
        (engine.name, item.name)
        for item in work_items.WORK_ITEMS
        for engine in engines.ENGINES
        if item.ragged and item.takes(engine) and engine.padding == engines.PADDED
    }
    ragged = ("inference_b32_realistic", "train_b8_realistic", "pretrain_b8_realistic")
    assert padding == {("Model Garden", item) for item in ragged}


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: f"{claim.item}-{claim.engine}")
def test_claims_are_about_what_is_measured(claim):
    engine = claim.engine
    taking_part = [name for name, found in ENGINES.items() if ITEMS[claim.item].takes(found)]
    assert engine in taking_part or any(
        ENGINES[name].ours and ENGINES[name].dtype == claim.dtype for name in taking_part
    )
    assert claim.metric in ITEMS[claim.item].metrics


def test_ratios_compare_within_a_round_and_skip_rounds_that_one_lacks():
    assert spreads.ratios({0: 3.0, 1: 8.0, 2: 1.0}, {0: 2.0, 1: 4.0}) == [1.5, 2.0]


def test_best_is_taken_in_each_round():
    assert spreads.best([{0: 3.0, 1: 1.0}, {0: 2.0, 1: 5.0}, {}]) == {0: 2.0, 1: 1.0}
    assert spreads.best([{}]) == {}


def test_rounds_without_the_best_of_all_are_left_out():
    assert spreads.best([{0: 1.0, 1: 4.0}, {0: 5.0, 1: 3.0, 2: 9.0}]) == {0: 1.0, 1: 3.0}


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
    # Round 0: OpenVINO 1.5 / 1.0. In round 1 OpenVINO did not take part, and others are slower.
    assert claims.check(claim, _measured()) == claims.Finding(spreads.Spread(1.5, 1.5, 1.5), True)


def test_a_claim_about_our_best_takes_the_best_of_ours_in_each_round():
    found = [
        _measurement(number, engine, seconds, item="inference_b1_s32")
        for engine, times in {
            "ours in ONNX Runtime float32": (2.0, 4.0, 2.0),
            "ours in LiteRT float32": (4.0, 2.0, 2.0),
            "ours in LiteRT int8": (1.0, 1.0, 1.0),
            "Optimum in ONNX Runtime float32": (1.8, 1.8, 2.2),
        }.items()
        for number, seconds in enumerate(times)
    ]
    measured = measurements.Measurements(found, [])
    claim = claims.Claim(
        item="inference_b1_s32",
        engine=claims.OUR_BEST["float32"],
        against=claims.SAME_TYPE_PEERS,
        at_least=1,
    )
    assert claims.check(claim, measured) == claims.Finding(spreads.Spread(0.9, 0.9, 1.1), False)
    # The median is below 1; the interval, of three values all of them, is not.
    within = dataclasses.replace(claim, beyond_noise=True)
    assert claims.check(within, measured) == claims.Finding(spreads.Spread(0.9, 0.9, 1.1), True)


def test_a_claim_about_a_runtime_takes_peers_of_the_same_runtime_and_type():
    item = "inference_b32_realistic"
    ours = "ours unpadded in ONNX Runtime float32"
    times = {
        ours: 1.0,
        "Optimum longest in ONNX Runtime float32": 2.0,
        "Optimum longest in ONNX Runtime int8": 0.5,
        "Optimum longest in OpenVINO float32": 0.5,
    }
    found = [_measurement(0, engine, seconds, item=item) for engine, seconds in times.items()]
    claim = claims.Claim(item, ours, claims.SAME_RUNTIME_PEERS, 1.7)
    checked = claims.check(claim, measurements.Measurements(found, []))
    assert checked == claims.Finding(spreads.Spread(2.0, 2.0, 2.0), True)


def test_the_interval_of_a_median_leaves_out_what_the_binomial_distribution_allows():
    # Of nine values P(the median is below the second or above the eighth) is 0.039.
    assert spreads.interval([9, 1, 8, 2, 7, 3, 6, 4, 5]) == (2, 8)
    assert spreads.interval([3, 1, 2]) == (1, 3)
    assert spreads.interval([1.5]) == (1.5, 1.5)


def test_a_claim_without_measurements_is_left_open():
    claim = claims.Claim(
        item="load", engine="ours float32", against=claims.GARDEN, at_least=1, metric="load_seconds"
    )
    assert claims.check(claim, _measured()) is None


def test_the_results_page_shows_ratios_claims_and_failures():
    text = results_page.markdown(_results())
    row = next(line for line in text.splitlines() if line.startswith("| Model Garden | 2 |"))
    assert "| 2 | 4.5 s (3-6)" in row
    assert "1.50 (1.50-1.50) | 3.00 (3.00-3.00)" in row
    assert "| the best peer in float32 | 1 | 1.50 (1.50-1.50) | yes |" in text
    assert "- KerasHub float32, load: no disk" in text


def test_the_plot_compares_with_ours_of_the_same_type():
    (panel,) = results_page.plot_data(_results())
    medians = {bar["engine"]: bar["median"] for bar in panel["bars"]}
    assert medians["Optimum in OpenVINO bfloat16"] == 1.5  # over ours in bfloat16, in round 0
    assert medians["Model Garden"] == 1.5


def test_the_summary_has_the_best_of_each_project_in_float32_and_in_a_smaller_type():
    times = {
        "ours embedder float32": 4.0,
        "ours embedder in OpenVINO float32": 3.0,
        "ours embedder in ONNX Runtime int8": 2.0,
        "ours embedder in OpenVINO bfloat16": 1.0,
        "Optimum longest in OpenVINO float32": 5.0,
    }
    found = [_measurement(0, engine, seconds, item="text_1") for engine, seconds in times.items()]
    (panel,) = summary.panels(rounds.Results(measurements=found))
    bars = [(bar["family"], bar["dtype"], bar["value"]) for bar in panel["bars"]]
    assert bars == [
        (summary.OURS, "float32", 4.0),
        (summary.OURS_ELSEWHERE, "float32", 3.0),
        (summary.OURS_ELSEWHERE, "bfloat16", 1.0),
        ("optimum, OpenVINO", "float32", 5.0),
    ]


def test_the_overview_has_the_better_engine_of_each_worker_and_marks_the_least_of_a_type():
    times = {
        "Transformers float32": 5.0,
        "Transformers longest float32": 3.0,
        "ours float32": 4.0,
        "ours unpadded float32": 2.0,
        "ours unpadded in LiteRT int8": 1.0,
        "Optimum longest in OpenVINO int8": 6.0,
    }
    found = [
        _measurement(0, engine, seconds, item="inference_b32_realistic")
        for engine, seconds in times.items()
    ]
    tables = overview.tables(measurements.Measurements(found, []))
    assert tables == {
        "Inference": [
            ["", "32 texts, s"],
            ["**ours float32**", "**2**"],
            ["**ours in LiteRT int8**", "**1**"],
            ["Transformers float32", "3"],
            ["Optimum in OpenVINO int8", "6"],
        ]
    }


def test_an_engine_is_ready_after_its_load_and_its_first_call():
    found = [{"round": 0, "item": "load", "engine": "ours float32", "load_seconds": 0.5}]
    found += [found[0] | {"round": 1, "first_call_seconds": 0.25}]
    series = measurements.Measurements(found, []).series("load", "ours float32", "ready_seconds")
    assert series == {1: 0.75}


class _Process:
    """A worker that answers everything at once."""

    def request(self, **_):
        return {"seconds": 1.0, "rate": 1.0}

    def stop(self):
        pass


def test_rounds_are_numbered_behind_those_of_earlier_runs():
    results = rounds.Results(measurements=[_measurement(4, "ours", 2.0)])
    plan = rounds.Plan(
        items=[ITEMS["preprocess_sentences"]],
        chosen=[ENGINES["ours"], ENGINES["Hugging Face tokenizers"]],
        num_rounds=2,
        made=None,
        input_dir="inputs",
        start=lambda worker: _Process(),
        failed_environments={},
    )
    rounds.measure(plan, results, on_round=lambda: None)
    found = [(one["round"], one["engine"]) for one in results.measurements]
    assert found[0] == (4, "ours")
    assert sorted(found[1:]) == [
        (number, name) for number in (5, 6) for name in ("Hugging Face tokenizers", "ours")
    ]


def test_the_processes_of_an_item_end_before_those_of_the_next():
    running = []

    class Process(_Process):
        def __init__(self, worker):
            running.append(worker.name)

        def stop(self):
            running.pop()

    after_rounds = []
    plan = rounds.Plan(
        items=[ITEMS["preprocess_sentences"], ITEMS["text_1"]],
        chosen=[ENGINES["ours"], ENGINES["ours embedder float32"]],
        num_rounds=2,
        made=None,
        input_dir="inputs",
        start=Process,
        failed_environments={},
    )
    rounds.measure(plan, rounds.Results(), on_round=lambda: after_rounds.append(list(running)))
    assert after_rounds == [["ours_float32"]] * 2 + [["gemm", "ours_float32"]] * 2
    assert running == []


def test_results_of_another_machine_are_not_added_to(tmp_path):
    (tmp_path / "results.json").write_text('{"machine": "an abacus"}', encoding="utf-8")
    with pytest.raises(errors.InputError, match=r"of another machine \(an abacus\)"):
        comparison.earlier_results(str(tmp_path / "results.json"))
    assert comparison.earlier_results(str(tmp_path / "none.json")).measurements == []


def test_only_narrows_items_and_peers_but_keeps_ours():
    items, chosen = comparison.select("inference_b8, openvino")
    assert [item.name for item in items] == ["inference_b8_s128"]
    assert {engine.name for engine in chosen if not engine.ours} == {
        name for name in ENGINES if "OpenVINO" in name and not name.startswith("ours")
    }
    assert {name for name, engine in ENGINES.items() if engine.ours} <= {
        engine.name for engine in chosen
    }


def test_types_narrow_ours_too():
    _, chosen = comparison.select("", dtypes=["int8"])
    assert {engine.dtype for engine in chosen} == {"int8"}
    assert {engine.ours for engine in chosen} == {True, False}


def test_types_that_there_are_not_are_refused():
    with pytest.raises(errors.InputError, match=r"--dtypes .* got int4"):
        comparison.select("", dtypes=["int4"])


def test_a_machine_is_described_by_its_model_and_instructions(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 avx512f amx_int8\n")
    assert machine.description(str(cpuinfo)).endswith(
        "Some CPU @ 2 GHz, with avx2 avx512f amx_int8"
    )
    assert "unknown" in machine.description(str(tmp_path / "none"))


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
