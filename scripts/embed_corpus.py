"""Embeds a corpus of any size with Apache Beam: text, JSON lines or Parquet to Parquet.

Prints the output folder:

    python -m scripts.embed_corpus --embedder exports/embedder/1 --input 'corpus/*.jsonl' \\
        --input_format jsonl --text_field text --id_field id --output vectors \\
        -- --direct_running_mode=multi_processing --direct_num_workers=4

Needs `pip install -e '.[beam]'`. Options after `--` are Beam's. The output folder gets
`vectors/part-*.parquet` with the columns `id` (string) and `vector` (float32 [H]). For records that
cannot be embedded, `bad_records/part-*.jsonl` has the reason, the position and the beginning.

The input is split into --num_shards shards, each published when it is complete. The same command
resumes a killed run, without loss or duplicates.

With several machines, the files and the embedder must be on shared storage. The pipeline includes
the code, so neither --setup_file nor --save_main_session is needed. The packages come from a
container or from --requirements_file:

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
from export.cli import runner, trust_flag

_EMBEDDER = flags.DEFINE_string(
    "embedder",
    None,
    "Folder of a text model of --task=embed, or of an embedder.",
    required=True,
)
_INPUT = flags.DEFINE_multi_string(
    "input", None, "Glob pattern of input files. Repeatable.", required=True
)
_INPUT_FORMAT = flags.DEFINE_enum(
    "input_format",
    None,
    ["text", "jsonl", "parquet"],
    "Format of the input; every line of text is a record.",
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
    "max_record_bytes", 1_000_000, "Longest line, or text of a row, to embed.", lower_bound=1
)
_BATCH_BYTES = flags.DEFINE_integer(
    "batch_bytes",
    16_384,
    "Largest batch of texts of similar length, in bytes, padded to its longest text.",
    lower_bound=1,
)
_THREADS = flags.DEFINE_integer(
    "threads",
    1,
    "TensorFlow's threads in each worker process, 0 for one per core. Use 1 if there are as many "
    "processes as cores.",
    lower_bound=0,
)
_LONG_TEXTS = flags.DEFINE_enum(
    "long_texts",
    None,
    ["cut", "mean", "max"],
    "What must become of texts that are longer than the embedder takes: cut, or the mean or the "
    "maximum of the vectors of their parts. It is exported with the embedder, and checked here. "
    "Default: what the embedder does; the summary says how many texts it has cut.",
)
_RUNNER = flags.DEFINE_string(
    "runner",
    "FnApiRunner",
    "Beam's runner. FnApiRunner runs locally; DirectRunner would first try to download Prism.",
)
flags.adopt_module_key_flags(trust_flag)

_INSTALL = "pip install 'apache-beam==2.77.*' 'pyarrow>=18'"


@trust_flag.applied()
def main(*pipeline_options: str) -> None:
    _check(pipeline_options)
    try:
        from scripts.corpus import embedding, pipeline, plan, records, storage, summary
    except ImportError as error:
        raise errors.InputError(f"{error}: {_INSTALL}") from error

    num_shards = _NUM_SHARDS.value
    read_options = records.ReadOptions(
        _INPUT_FORMAT.value, _TEXT_FIELD.value, _ID_FIELD.value, _MAX_RECORD_BYTES.value
    )
    options = pipeline.options(_RUNNER.value, pipeline_options)
    embedder = plan.read_embedder(_EMBEDDER.value)
    planned = plan.make(
        _INPUT.value, read_options=read_options, num_shards=num_shards, embedder=embedder
    )
    settings = embedding.Settings(
        read_options=read_options,
        output=_OUTPUT.value,
        embedder=_EMBEDDER.value,
        max_seq_length=embedder["max_seq_length"],
        num_shards=num_shards,
        batch_bytes=_BATCH_BYTES.value,
        threads=_THREADS.value,
        long_texts=plan.long_texts(embedder, asked=_LONG_TEXTS.value),
    )
    plan.check_output(planned, _OUTPUT.value)
    plan.audit(_EMBEDDER.value)
    missing = plan.begin(planned, _OUTPUT.value)
    start = time.monotonic()
    counters = pipeline.run(missing, settings, options) if missing else {}
    storage.remove_temporary(_OUTPUT.value)
    seconds = time.monotonic() - start
    runner.log(summary.text(counters, skipped=num_shards - len(missing), seconds=seconds))
    print(_OUTPUT.value)


def _check(pipeline_options: Sequence[str]) -> None:
    """Checks the flags alone; raises an `errors.InputError` that lists every problem."""
    problems = []
    if _INPUT_FORMAT.value == "text":
        problems += [
            f"--{flag.name} must not be given with --input_format=text"
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
