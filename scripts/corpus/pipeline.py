"""Runs the embedding of shards on any of Beam's runners and returns its counters."""

import contextlib
import io
from collections.abc import Sequence

import apache_beam as beam
from apache_beam import runners
from apache_beam.internal import cloudpickle
from apache_beam.options import pipeline_options

import scripts.corpus
from configs import errors
from scripts.corpus import embedding


def options(runner: str, flags: Sequence[str]) -> pipeline_options.PipelineOptions:
    """Returns Beam's options.

    Args:
      runner: name of the runner.
      flags: other options, `--name=value`; Beam logs unknown ones.

    Raises:
      errors.InputError: an option has an invalid value, or the runner is unknown.
    """
    usage = io.StringIO()
    try:
        with contextlib.redirect_stderr(usage):
            made = pipeline_options.PipelineOptions([f"--runner={runner}", *flags])
            made.get_all_options()
            runners.create_runner(made.view_as(pipeline_options.StandardOptions).runner)
    except SystemExit:  # argparse printed its usage and the reason
        message = usage.getvalue().strip().splitlines()[-1]
        raise errors.InputError(f"pipeline options: {message}") from None
    except (ValueError, ImportError) as error:
        raise errors.InputError(f"pipeline options: {error}") from error
    return made


def run(
    shards: Sequence[embedding.Shard],
    settings: embedding.Settings,
    pipeline: pipeline_options.PipelineOptions,
) -> dict[str, int]:
    """Embeds and publishes shards.

    Returns:
      The counters, by name: see `embedding.COUNTERS`.

    Raises:
      errors.InputError: the run failed. Published shards remain.
    """
    # Workers get the code of these modules with the step, and do not need the project.
    cloudpickle.register_pickle_by_value(scripts.corpus)
    to_run = beam.Pipeline(options=pipeline)
    _ = (
        to_run
        | "Shards" >> beam.Create(shards)
        | "Spread over the workers" >> beam.Reshuffle()
        | "Embed" >> beam.ParDo(embedding.EmbedShard(settings))
    )
    try:
        result = to_run.run()
        state = result.wait_until_finish()
    except Exception as error:  # of any type, from a worker; the runner logs its traceback
        raise errors.InputError(_failure(str(error))) from error
    if state != runners.runner.PipelineState.DONE:
        raise errors.InputError(_failure(f"it ended as {state}"))
    found = result.metrics().query(beam.metrics.MetricsFilter().with_namespace(embedding.COUNTERS))
    return {counter.key.metric.name: counter.committed or 0 for counter in found["counters"]}


def _failure(message: str) -> str:
    lines = message.strip().splitlines() or ["no reason given"]
    return f"the pipeline failed; the same command resumes it: {lines[-1]}"
