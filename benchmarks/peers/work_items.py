"""What the engines are asked to do, as data."""

import dataclasses

from benchmarks.peers import engines


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkItem:
    """One thing to measure.

    Attributes:
      name: unique; what `--only` looks at.
      title: as it stands in the table.
      kind: of work, one of `engines`.
      input: name of the input file; see `inputs`.
      ours: names of our engines that the others are compared with.
      metrics: what a measurement holds, in the order of the table. Less is better in all of them.
      ragged: whether the rows differ in length, so that cutting a batch to its longest is a choice.
    """

    name: str
    title: str
    kind: str
    input: str = ""
    ours: tuple[str, ...]
    metrics: tuple[str, ...] = ("seconds",)
    ragged: bool = False

    def takes(self, engine: engines.Engine) -> bool:
        """Returns whether the engine takes part."""
        if self.kind not in engine.kinds:
            return False
        batch = self.kind in (engines.INFER, engines.TRAIN)
        return self.ragged or not batch or engine.padding != engines.LONGEST


_PLAIN = ("ours float32", "ours bfloat16")
_UNPADDED = ("ours unpadded float32", "ours unpadded bfloat16")
_EMBEDDER = ("ours embedder float32", "ours embedder bfloat16")

EXPORT_METRICS = ("seconds", "peak_bytes", "saved_model_pb_bytes", "artifact_bytes")
LOAD_METRICS = ("load_seconds", "first_call_seconds", "import_seconds")
TRAIN_METRICS = ("seconds", "peak_bytes")

WORK_ITEMS = (
    WorkItem(
        name="export",
        title="Export command, whole process",
        kind=engines.EXPORT,
        ours=(engines.OURS,),
        metrics=EXPORT_METRICS,
    ),
    WorkItem(
        name="load",
        title="Load in a fresh process, then the first call (B=1 S=32)",
        kind=engines.LOAD,
        input="b1_s32",
        ours=_PLAIN,
        metrics=LOAD_METRICS,
    ),
    WorkItem(
        name="inference_b1_s32",
        title="Inference, B=1 S=32",
        kind=engines.INFER,
        input="b1_s32",
        ours=_PLAIN,
    ),
    WorkItem(
        name="inference_b8_s128",
        title="Inference, B=8 S=128, full rows",
        kind=engines.INFER,
        input="b8_s128",
        ours=_PLAIN,
    ),
    WorkItem(
        name="inference_b32_realistic",
        title="Inference, B=32, realistic lengths, padded to 128",
        kind=engines.INFER,
        input="b32_realistic",
        ours=_UNPADDED,
        ragged=True,
    ),
    WorkItem(
        name="text_1",
        title="Text to vector, 1 sentence",
        kind=engines.EMBED,
        input="sentences_1",
        ours=_EMBEDDER,
    ),
    WorkItem(
        name="text_256",
        title="Text to vector, 256 sentences",
        kind=engines.EMBED,
        input="sentences_256",
        ours=_EMBEDDER,
    ),
    WorkItem(
        name="train_b8_s128",
        title="Training step, B=8 S=128, full rows",
        kind=engines.TRAIN,
        input="b8_s128",
        ours=_PLAIN,
        metrics=TRAIN_METRICS,
    ),
    WorkItem(
        name="train_b8_realistic",
        title="Training step, B=8, realistic lengths, padded to 128",
        kind=engines.TRAIN,
        input="b8_realistic",
        ours=_UNPADDED,
        metrics=TRAIN_METRICS,
        ragged=True,
    ),
    WorkItem(
        name="preprocess_sentences",
        title="Preprocessing, 256 sentences",
        kind=engines.PREPROCESS,
        input="sentences_256",
        ours=(engines.OURS,),
    ),
    WorkItem(
        name="preprocess_documents",
        title="Preprocessing, 64 documents of 400 words",
        kind=engines.PREPROCESS,
        input="documents_64",
        ours=(engines.OURS,),
    ),
)
