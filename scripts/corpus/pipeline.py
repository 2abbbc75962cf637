"""Runs the shards of a corpus through a text model on any of Beam's runners."""

import contextlib
import io
import os
from collections.abc import Sequence

import apache_beam as beam
from apache_beam import runners
from apache_beam.internal import cloudpickle
from apache_beam.options import pipeline_options

import scripts.corpus
from configs import errors
from scripts.corpus import shards

DASK = "DaskRunner"
_DASK_PATH = f"apache_beam.runners.dask.dask_runner.{DASK}"
_PARTITIONS = ("--dask_npartitions", "--dask_partition_size")


def options(
    runner: str, flags: Sequence[str], *, cluster: str, num_shards: int
) -> pipeline_options.PipelineOptions:
    """Returns Beam's options.

    Args:
      runner: name of the runner, or its class with the module.
      flags: other options, `--name=value`; Beam logs unknown ones.
      cluster: address of the scheduler of `DASK`; empty for the runner's default.
      num_shards: number of shards, each of them a task of `DASK`.

    Raises:
      errors.InputError: an option has an invalid value, or the runner is unknown or not installed.
    """
    if runner in (DASK, _DASK_PATH):
        runner, flags = _DASK_PATH, _dask_flags(flags, cluster, num_shards)
    elif cluster:
        raise errors.InputError(f"--cluster is for --runner={DASK}, got {runner}")
    usage = io.StringIO()
    try:
        with contextlib.redirect_stderr(usage):
            made = pipeline_options.PipelineOptions([f"--runner={runner}", *flags])
            made.get_all_options()
            runners.create_runner(made.view_as(pipeline_options.StandardOptions).runner)
    except SystemExit:  # argparse printed its usage and the reason
        message = usage.getvalue().strip().splitlines()[-1]
        raise errors.InputError(f"pipeline options: {message}") from None
    except (ValueError, ImportError, AttributeError) as error:
        raise errors.InputError(f"pipeline options: {error}") from error
    return made


def _dask_flags(flags: Sequence[str], cluster: str, num_shards: int) -> list[str]:
    try:
        import apache_beam.runners.dask.dask_runner  # noqa: F401, defines its options
        import distributed  # noqa: F401, which the runner imports only when it runs
    except ImportError as error:
        raise errors.InputError(f"{error}: pip install 'distributed>=2024.4.2'") from error
    found = list(flags)
    if cluster:
        found.append(f"--dask_client_address={cluster}")
    if not any(flag.startswith(_PARTITIONS) for flag in flags):
        # By default 128 elements are one task, and one worker does all of them.
        found.append(f"--dask_npartitions={num_shards}")
    return found


def threads(pipeline: pipeline_options.PipelineOptions) -> int:
    """Returns each local worker process's share of the cores; 0 if workers run elsewhere."""
    direct = pipeline.view_as(pipeline_options.DirectOptions)
    if direct.direct_running_mode != "multi_processing":
        return 0
    cores = os.cpu_count() or 1
    return max(1, cores // (direct.direct_num_workers or cores))


def run(
    missing: Sequence[shards.Shard],
    settings: shards.Settings,
    pipeline: pipeline_options.PipelineOptions,
) -> None:
    """Computes and publishes shards.

    Raises:
      errors.InputError: the run failed. Published shards remain.
    """
    # Workers get the code of these modules with the step, and do not need the project.
    cloudpickle.register_pickle_by_value(scripts.corpus)
    to_run = beam.Pipeline(options=pipeline)
    if pipeline.view_as(pipeline_options.StandardOptions).runner == _DASK_PATH:
        # It spreads what is created.
        groups = to_run | "Shards" >> beam.Create([(n, [ranges]) for n, ranges in missing])
    else:
        # Not Reshuffle, which runners of third parties do not have.
        found = to_run | "Shards" >> beam.Create(missing)
        groups = found | "Spread over the workers" >> beam.GroupByKey()
    _ = groups | "Publish" >> beam.ParDo(shards.PublishShard(settings))
    try:
        result = to_run.run()
        state = result.wait_until_finish()
    except Exception as error:  # of any type, from a worker; the runner logs its traceback
        raise errors.InputError(failure(str(error))) from error
    if state != runners.runner.PipelineState.DONE:
        raise errors.InputError(failure(f"it ended as {state}"))


def failure(message: str) -> str:
    """Returns the error of a failed run."""
    lines = message.strip().splitlines() or ["no reason given"]
    return f"the pipeline failed; the same command resumes it: {lines[-1]}"
