"""The work items that the engines do, as data."""

import dataclasses

from benchmarks.peers import engines


@dataclasses.dataclass(frozen=True)
class WorkItem:
    """One thing to measure.

    Attributes:
      name: unique; `--only` selects by it.
      title: the heading of its table.
      kind: one of the kinds in `engines`.
      input: name of the input file; see `inputs`.
      metrics: keys of a measurement, in the order of the tables. Less is better in all of them.
      ragged: whether the rows differ in length, so that cutting a batch to its longest row helps.
    """

    name: str
    title: str
    kind: str
    input: str = ""
    _: dataclasses.KW_ONLY
    metrics: tuple[str, ...] = ("seconds",)
    ragged: bool = False

    def takes(self, engine: engines.Engine) -> bool:
        """Returns whether the engine does this item."""
        if self.kind not in engine.kinds:
            return False
        if self.kind not in (engines.INFER, engines.TRAIN, engines.PRETRAIN):
            return True
        if self.ragged:  # only Model Garden's preprocessor cannot but pad
            return engine.padding != engines.PADDED or engine.name == engines.GARDEN
        return engine.padding != engines.LONGEST


EXPORT_METRICS = ("seconds", "peak_bytes", "saved_model_pb_bytes", "artifact_bytes")
LOAD_METRICS = (
    "ready_seconds",
    "load_seconds",
    "first_call_seconds",
    "import_seconds",
    "peak_bytes",
    "artifact_bytes",
)
TRAIN_METRICS = ("seconds", "peak_bytes")

WORK_ITEMS = (
    WorkItem(
        "export",
        "Export command, whole process",
        engines.EXPORT,
        metrics=EXPORT_METRICS,
    ),
    WorkItem(
        "load",
        "Load in a fresh process, then the first call (B=1 S=32)",
        engines.LOAD,
        "b1_s32",
        metrics=LOAD_METRICS,
    ),
    WorkItem("inference_b1_s12", "Inference, B=1 S=12, a short sentence", engines.INFER, "b1_s12"),
    WorkItem("inference_b1_s32", "Inference, B=1 S=32", engines.INFER, "b1_s32"),
    WorkItem(
        "inference_b8_s128",
        "Inference, B=8 S=128, full rows",
        engines.INFER,
        "b8_s128",
    ),
    WorkItem(
        "inference_b32_realistic",
        "Inference, B=32, realistic lengths, padded to 128",
        engines.INFER,
        "b32_realistic",
        ragged=True,
    ),
    WorkItem("text_1", "Text to vector, 1 sentence", engines.EMBED, "sentences_1"),
    WorkItem("text_256", "Text to vector, 256 sentences", engines.EMBED, "sentences_256"),
    WorkItem("label_1", "Text to label, 1 sentence", engines.CLASSIFY, "sentences_1"),
    WorkItem(
        "label_256",
        "Text to label, 256 sentences, 32 at a time",
        engines.CLASSIFY,
        "sentences_256",
    ),
    WorkItem(
        "train_b8_s128",
        "Training step, B=8 S=128, full rows",
        engines.TRAIN,
        "b8_s128",
        metrics=TRAIN_METRICS,
    ),
    WorkItem(
        "train_b8_realistic",
        "Training step, B=8, realistic lengths, padded to 128",
        engines.TRAIN,
        "b8_realistic",
        metrics=TRAIN_METRICS,
        ragged=True,
    ),
    WorkItem(
        "pretrain_b8_s128",
        "Step of masked language model training with AdamW, B=8 S=128, full rows",
        engines.PRETRAIN,
        "b8_s128",
        metrics=TRAIN_METRICS,
    ),
    WorkItem(
        "pretrain_b8_realistic",
        "Step of masked language model training with AdamW, B=8, realistic lengths, padded to 128",
        engines.PRETRAIN,
        "b8_realistic",
        metrics=TRAIN_METRICS,
        ragged=True,
    ),
    WorkItem(
        "preprocess_sentences",
        "Preprocessing, 256 sentences",
        engines.PREPROCESS,
        "sentences_256",
    ),
    WorkItem(
        "preprocess_documents",
        "Preprocessing, 64 documents of 400 words",
        engines.PREPROCESS,
        "documents_64",
    ),
)
