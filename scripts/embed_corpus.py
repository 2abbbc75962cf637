"""Runs a text model on a corpus of any size with Apache Beam: vectors, labels, entities or answers.

Reads text, JSON lines or Parquet, writes Parquet, and prints the output folder:

    python -m scripts.embed_corpus --model exports/embedder/1 --input 'corpus/*.jsonl' \\
        --input_format jsonl --text_field text --id_field id --output vectors \\
        -- --direct_running_mode=multi_processing --direct_num_workers=4

Needs `pip install -e '.[beam]'`. Options after `--` are Beam's. The output folder gets
`part-*.parquet` with the column `id` (string), and by the model's task

    vectors/   vector (float32 [H])
    labels/    label, score, scores (float32 [C]), truncated; of pairs with --pair_field
    entities/  entities (a list of label, score, start, end, text), truncated
    answers/   answer, score, start, end, null_score, truncated; to --question or --pair_field

For records that cannot be used, `bad_records/part-*.jsonl` has the reason, the position and the
beginning. Blank lines are skipped.

The input is split into --num_shards shards, each published when it is complete. The same command
resumes a killed run, without loss or duplicates.

On a Dask cluster (`pip install -e '.[dask]'`):

    dask scheduler
    dask worker tcp://HOST:8786 --nthreads 1    # one or more on each machine
    python -m scripts.embed_corpus ... --threads 1 --runner DaskRunner --cluster tcp://HOST:8786

With several machines, the files and the model must be on shared storage. The pipeline includes the
code, so neither --setup_file nor --save_main_session is needed. The packages of
scripts/corpus/requirements.txt must be there. For other runners see
docs/how-to/embed-a-corpus.md.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import logging
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from configs import errors
from export.cli import runner, trust_flag

if TYPE_CHECKING:
    from scripts.corpus import plan, shards

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "Folder of a text model to embed, classify, tag or answer, or of an embedder.",
    required=True,
)
flags.DEFINE_alias("embedder", "model")
_INPUT = flags.DEFINE_multi_string(
    "input", None, "Glob pattern of input files. Repeatable.", required=True
)
_INPUT_FORMAT = flags.DEFINE_enum(
    "input_format",
    None,
    ["text", "jsonl", "parquet"],
    "Format of the input; every line of text that is not blank is a record.",
    required=True,
)
_TEXT_FIELD = flags.DEFINE_string(
    "text_field", "", "Field or column of the text. Required for jsonl and parquet."
)
_ID_FIELD = flags.DEFINE_string(
    "id_field",
    "",
    "Field or column of the id, a string or an integer, which is not checked to be unique. "
    "Default: <path>:<offset of the line in bytes>, or <path>:<number of the row>.",
)
_PAIR_FIELD = flags.DEFINE_string(
    "pair_field",
    "",
    "Field or column of the second text of a pair to classify, or of the question to answer.",
)
_QUESTION = flags.DEFINE_string(
    "question", "", "Question to answer from every text, instead of --pair_field."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder to write: a new one, or that of a run to resume.", required=True
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards",
    16,
    "Number of output files, at least the number of workers. A killed run repeats its unfinished "
    "shards, so more shards repeat less work.",
    lower_bound=1,
)
_MAX_RECORD_BYTES = flags.DEFINE_integer(
    "max_record_bytes", 1_000_000, "Longest line, or text of a row, to use.", lower_bound=1
)
_BATCH_BYTES = flags.DEFINE_integer(
    "batch_bytes",
    16_384,
    "Largest batch of texts of similar length, in bytes, padded to its longest text.",
    lower_bound=1,
)
_THREADS = flags.DEFINE_integer(
    "threads",
    0,
    "TensorFlow's threads in each worker process. By default, and for 0, the cores there are, "
    "divided by --direct_num_workers. Use 1 if a cluster has as many worker processes as cores. "
    "Vectors are equal bit by bit only for equal numbers of threads.",
    lower_bound=0,
)
_ONEDNN = flags.DEFINE_enum(
    "onednn",
    "auto",
    ["auto", "on", "off", "default"],
    "Whether TensorFlow computes with oneDNN: auto tries both on a batch of a corpus of more than "
    "4 MB and takes the faster one, unless TF_ENABLE_ONEDNN_OPTS is set; default is TensorFlow's "
    "own, by the CPU. The last bits of vectors depend on it, so a resumed run keeps its first.",
)
_LONG_TEXTS = flags.DEFINE_enum(
    "long_texts",
    None,
    ["cut", "mean", "max"],
    "What must become of texts that are longer than an embedder takes: cut, or the mean or the "
    "maximum of the vectors of their parts. It is exported with the embedder, and checked here. "
    "Default: what the embedder does; the summary says how many texts it has cut.",
)
_RUNNER = flags.DEFINE_string(
    "runner",
    "FnApiRunner",
    "Beam's runner. FnApiRunner runs locally; DirectRunner would first try to download Prism. "
    "DaskRunner runs on --cluster, or starts workers on this machine.",
)
_CLUSTER = flags.DEFINE_string("cluster", "", "Address of the scheduler of --runner=DaskRunner.")
flags.adopt_module_key_flags(trust_flag)

_INSTALL = "pip install 'apache-beam==2.77.*' 'pyarrow>=18'"


@trust_flag.applied()
def main(*pipeline_options: str) -> None:
    _check(pipeline_options)
    logging.disable(logging.WARNING)  # Beam's import warns that the clients of BigQuery are missing
    try:
        from scripts.corpus import pipeline, plan, progress, storage, summary
    except ImportError as error:
        raise errors.InputError(f"{error}: {_INSTALL}") from error
    finally:
        logging.disable(logging.INFO)  # as `runner` sets it

    num_shards = _NUM_SHARDS.value
    options = pipeline.options(
        _RUNNER.value, pipeline_options, cluster=_CLUSTER.value, num_shards=num_shards
    )
    settings, planned = _plan(threads=_THREADS.value or pipeline.threads(options))
    plan.check_output(planned, _OUTPUT.value)
    settings = _with_onednn(settings, planned)
    plan.audit(_MODEL.value)
    missing = plan.begin(planned, _OUTPUT.value, model=settings.model)
    reporter = progress.Progress(settings, missing, log=runner.log)
    start = time.monotonic()
    if missing:
        with reporter.watching():
            pipeline.run(missing, settings, options)
    reporter.update()
    if reporter.missing:
        raise errors.InputError(pipeline.failure(f"{min(reporter.missing)} is missing"))
    storage.remove_temporary(_OUTPUT.value)
    seconds = time.monotonic() - start
    skipped = num_shards - len(missing)
    runner.log(
        summary.text(reporter.counters, published=len(missing), skipped=skipped, seconds=seconds)
    )
    print(_OUTPUT.value)


def _plan(*, threads: int) -> tuple["shards.Settings", "plan.Plan"]:
    """Reads the model and finds the input; returns the settings of workers and the plan."""
    from scripts.corpus import models, plan, records, shards

    read_options = records.ReadOptions(
        input_format=_INPUT_FORMAT.value,
        text_field=_TEXT_FIELD.value,
        id_field=_ID_FIELD.value,
        max_record_bytes=_MAX_RECORD_BYTES.value,
        pair_field=_PAIR_FIELD.value,
        pair=_QUESTION.value,
    )
    model = plan.read_model(_MODEL.value)
    plan.check_pairs(model["task"], read_options)
    settings = shards.Settings(
        read_options=read_options,
        model=models.Settings(
            folder=_MODEL.value,
            task=model["task"],
            max_seq_length=model["max_seq_length"],
            has_pairs=bool(_PAIR_FIELD.value or _QUESTION.value),
            threads=threads,
            long_texts=plan.long_texts(model, asked=_LONG_TEXTS.value),
        ),
        output=_OUTPUT.value,
        num_shards=_NUM_SHARDS.value,
        batch_bytes=_BATCH_BYTES.value,
    )
    planned = plan.make(
        _INPUT.value, read_options=read_options, num_shards=_NUM_SHARDS.value, model=model
    )
    return settings, planned


def _with_onednn(settings: "shards.Settings", planned: "plan.Plan") -> "shards.Settings":
    """Returns the settings with oneDNN on, off, or as it is; sets it in this process, too."""
    from scripts.corpus import onednn, plan

    value = {"on": onednn.ON, "off": onednn.OFF}.get(_ONEDNN.value, "")
    begun = plan.onednn_of(_OUTPUT.value)
    size = sum(size for _, size, _ in planned.files)
    if begun is not None:
        value = begun
    elif _ONEDNN.value == "auto" and onednn.VARIABLE in os.environ:
        value = os.environ[onednn.VARIABLE]
    elif _ONEDNN.value == "auto" and size > onednn.MIN_CORPUS_BYTES:
        ranges = planned.shards()[0][1]
        has_pairs = settings.model.has_pairs
        batch = onednn.batch(ranges, settings.read_options, has_pairs=has_pairs)
        trust = trust_flag.TRUST.value
        value = onednn.choose(settings.model, batch, trust=trust, log=runner.log)
    if value:
        os.environ[onednn.VARIABLE] = value
    return settings._replace(model=settings.model._replace(onednn=value))


def _check(pipeline_options: Sequence[str]) -> None:
    """Checks the flags alone; raises an `errors.InputError` that lists every problem."""
    problems = []
    if _INPUT_FORMAT.value == "text":
        problems += [
            f"--{flag.name} must not be given with --input_format=text"
            for flag in (_TEXT_FIELD, _ID_FIELD, _PAIR_FIELD)
            if flag.value
        ]
    elif not _TEXT_FIELD.value:
        problems.append("--text_field is required")
    if pipeline_options and not pipeline_options[0].startswith("--"):
        problems.append(f"unexpected argument: {pipeline_options[0]}")
    if problems:
        raise errors.InputError("; ".join(problems))


if __name__ == "__main__":
    runner.run(main, positional=None)
