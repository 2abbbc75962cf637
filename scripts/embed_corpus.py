"""Embeds a corpus of any size with Apache Beam: text, JSON lines or Parquet to Parquet.

Prints the output folder:

    python -m scripts.embed_corpus --embedder exports/embedder/1 --input 'corpus/*.jsonl' \\
        --input_format jsonl --text_field text --id_field id --output vectors \\
        -- --direct_running_mode=multi_processing --direct_num_workers=4

Needs `pip install -e '.[beam]'`. What stands after `--` are Beam's own options. The output folder
gets `vectors/part-*.parquet` with the columns `id` (string) and `vector` (float32 [H]), and for
records that cannot be embedded `bad_records/part-*.jsonl` with the reason, the place and the
beginning of each.

The input is cut into --num_shards shards, each published when it is complete. A run that was killed
is started again with the same command: it does what is missing, without loss or duplicates.

On several machines the files and the embedder are on storage that all of them reach, and options
say which. The code travels with the pipeline, so that neither --setup_file nor --save_main_session
is needed; the packages come from a container, or from --requirements_file:

    --runner=DataflowRunner -- --project=P --region=R --temp_location=gs://B/temp \\
        --requirements_file=scripts/corpus/requirements.txt
    --runner=FlinkRunner -- --flink_master=HOST:8081 --environment_type=DOCKER \\
        --environment_config=IMAGE
    --runner=SparkRunner -- --spark_master_url=spark://HOST:7077 --environment_type=DOCKER \\
        --environment_config=IMAGE
"""

import time
from collections.abc import Sequence

from absl import flags

from configs import errors
from export.cli import runner

_EMBEDDER = flags.DEFINE_string("embedder", None, "Folder of an exported embedder.", required=True)
_INPUT = flags.DEFINE_multi_string(
    "input", None, "Glob pattern of input files. Repeatable.", required=True
)
_INPUT_FORMAT = flags.DEFINE_enum(
    "input_format",
    None,
    ["text", "jsonl", "parquet"],
    "What the input is; of text every line is a record.",
    required=True,
)
_TEXT_FIELD = flags.DEFINE_string(
    "text_field", "", "Field or column of the text. Required with jsonl and parquet."
)
_ID_FIELD = flags.DEFINE_string(
    "id_field",
    "",
    "Field or column of the id, a string or an integer, taken as it is: nobody checks that it is "
    "unique. Default: <path>:<offset of the line in bytes>, or <path>:<number of the row>.",
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder to write: a new one, or that of the run to go on with.", required=True
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards",
    16,
    "Files of vectors. What is not complete when a run is killed is done again: the more there "
    "are, the less. At least as many as workers.",
    lower_bound=1,
)
_MAX_RECORD_BYTES = flags.DEFINE_integer(
    "max_record_bytes", 1_000_000, "Longest line, or text of a row, to embed.", lower_bound=1
)
_BATCH_BYTES = flags.DEFINE_integer(
    "batch_bytes",
    16_384,
    "Text of a batch, every text counted as long as the longest. Batches are of similar length.",
    lower_bound=1,
)
_THREADS = flags.DEFINE_integer(
    "threads",
    1,
    "Threads of TensorFlow in each worker process, 0 for one a core; 1 is right where there are as "
    "many processes as cores.",
    lower_bound=0,
)
_RUNNER = flags.DEFINE_string(
    "runner",
    "FnApiRunner",
    "Beam's runner. FnApiRunner runs here and downloads nothing; DirectRunner would first try to "
    "download Prism.",
)


def main(*pipeline_options: str) -> None:
    _check(pipeline_options)
    try:
        from scripts.corpus import embedding, pipeline, plan, records, report, storage
    except ImportError as error:
        raise errors.InputError(f"{error}: pip install 'albert-hub-export[beam]'") from error

    source = records.Source(
        _INPUT_FORMAT.value, _TEXT_FIELD.value, _ID_FIELD.value, _MAX_RECORD_BYTES.value
    )
    options = pipeline.options(_RUNNER.value, pipeline_options)
    embedder = plan.embedder_facts(_EMBEDDER.value)
    planned = plan.make(
        _INPUT.value, source=source, num_shards=_NUM_SHARDS.value, embedder=embedder
    )
    settings = embedding.Settings(
        source=source,
        output=_OUTPUT.value,
        embedder=_EMBEDDER.value,
        max_seq_length=embedder["max_seq_length"],
        num_shards=_NUM_SHARDS.value,
        batch_bytes=_BATCH_BYTES.value,
        threads=_THREADS.value,
    )
    left = plan.begin(planned, _OUTPUT.value)
    start = time.monotonic()
    counters = pipeline.run(left, settings, options) if left else {}
    storage.remove_temporary(_OUTPUT.value)
    runner.log(
        report.text(
            counters, skipped=_NUM_SHARDS.value - len(left), seconds=time.monotonic() - start
        )
    )
    print(_OUTPUT.value)


def _check(pipeline_options: Sequence[str]) -> None:
    """Checks the flags as far as nothing has to be read.

    Raises:
      errors.InputError: lists all that is wrong.
    """
    problems = []
    if _INPUT_FORMAT.value == "text":
        problems += [
            f"--{flag.name} means nothing with --input_format=text"
            for flag in (_TEXT_FIELD, _ID_FIELD)
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
