"""What text models can be called for in other runtimes.

Example:
    made = text_signatures.make("classify", is_embedder=False, has_pairs=True)
    made["pairs"].inputs  # ("first", "second")
"""

from collections.abc import Mapping

from configs import head_config, hub_api
from export.artifacts import text_model_spec
from export.conversion import source as sources

OUTPUTS: Mapping[str, tuple[str, ...]] = {
    text_model_spec.EMBED: (hub_api.DEFAULT, hub_api.TRUNCATED),
    head_config.CLASSIFY: hub_api.CLASSIFIED_OUTPUTS,
    text_model_spec.FILL_MASK: (
        hub_api.TOKENS,
        hub_api.SCORES,
        hub_api.FILLED_SENTENCES,
        hub_api.TRUNCATED,
    ),
}
# The head of a task, where it has another name.
_HEADS = {text_model_spec.EMBED: None, text_model_spec.FILL_MASK: hub_api.MLM}


class TextSignature(sources.Signature):
    """From strings [B]; `head` is the task's, None for vectors."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        if self.name == hub_api.PAIRS:
            return (hub_api.FIRST, hub_api.SECOND)
        return (hub_api.SENTENCES,)


def make(task: str, *, is_embedder: bool, has_pairs: bool) -> dict[str, sources.Signature]:
    """Returns the signatures of a task by name; none if other runtimes do not have it.

    Args:
      task: one of `text_model_spec.TASKS`.
      is_embedder: whether vectors are all that it gives.
      has_pairs: whether a row has room for pairs of texts.
    """
    outputs = OUTPUTS.get(task)
    if outputs is None:
        return {}
    is_of_pairs = task == head_config.CLASSIFY and has_pairs
    return {
        name: TextSignature(
            name=name,
            head=_HEADS.get(task, task),
            is_unpadded=True,
            by_beam=False,
            outputs=outputs[:1] if is_embedder else outputs,
        )
        for name in (hub_api.SERVING_DEFAULT, *([hub_api.PAIRS] if is_of_pairs else []))
    }


def own_name(output: str) -> str:
    """Returns the SavedModel's name of an output."""
    return hub_api.SENTENCES if output == hub_api.FILLED_SENTENCES else output
