"""Plans the text model of a checkpoint, by what is beside its weights.

plan = text_model_plan.plan(encoder_spec.from_checkpoint("my_albert"), text_model_spec.Request())
plan.task, plan.problems
"""

from configs import errors, head_config
from export.artifacts import encoder_spec, text_model_spec
from export.checkpoints import weight_table
from export.checkpoints.readers import sentence_transformers
from preprocess.vocabulary import json_files, tokenizer_config, truncation_side

_LENGTH = "model_max_length"
# Tasks whose pipelines cut texts, or make windows, at that length.
_CUT_BY_PIPELINES = (head_config.TAG, head_config.ANSWER)


def plan(spec: encoder_spec.EncoderSpec, request: text_model_spec.Request) -> text_model_spec.Plan:
    """Returns what a text model of a checkpoint does, before anything is written.

    Raises:
      errors.VocabularyError: there is no tokenizer, or it cuts long texts on the left.
      errors.CheckpointError: its folder of sentence-transformers does what is not known.
    """
    if spec.tokenizer is None:
        raise errors.VocabularyError("there is no text model without a tokenizer")
    planned = text_model_spec.Plan(request, spec.manifest_entries(), recipe(spec))
    if not planned.is_choice:  # of which there is no text model
        _check_truncation(spec, request)
        planned.notices += _shorter(spec, request, planned)
    return planned


def _shorter(
    spec: encoder_spec.EncoderSpec, request: text_model_spec.Request, planned: text_model_spec.Plan
) -> tuple[str, ...]:
    """Returns what is to be said where a pipeline of transformers cuts texts earlier."""
    if request.max_seq_length or planned.task not in _CUT_BY_PIPELINES or spec.checkpoint is None:
        return ()
    for directory in spec.checkpoint.directories:
        length = json_files.beside(directory, tokenizer_config.CONFIG).get(_LENGTH)
        if isinstance(length, int) and 0 < length < planned.length:
            return (
                f"{tokenizer_config.CONFIG} says {_LENGTH} {length}, at which transformers' "
                f"pipeline cuts texts or makes windows; here it is {planned.length}: "
                f"--max_seq_length {length} does as the pipeline",
            )
    return ()


def _check_truncation(spec: encoder_spec.EncoderSpec, request: text_model_spec.Request) -> None:
    """Checks that a model of transformers cuts long texts as text models do, on the right."""
    checkpoint = spec.checkpoint
    is_cut = request.long_texts == text_model_spec.LONG_TEXTS[0]
    if checkpoint is None or checkpoint.format != weight_table.HUGGING_FACE or not is_cut:
        return
    for path in filter(None, map(truncation_side.left, checkpoint.directories)):
        raise errors.VocabularyError(
            f"{path!r} says that long texts are cut on the left (truncation_side), but a text "
            "model cuts them on the right, so its results would differ: say right there if that "
            "is as good, or export the encoder without a text model"
        )


def recipe(spec: encoder_spec.EncoderSpec) -> sentence_transformers.Recipe | None:
    """Returns what the folder of sentence-transformers says that the weights are in."""
    directories = spec.checkpoint.directories if spec.checkpoint else ()
    return sentence_transformers.beside(directories)
