"""The classes of transformers, and what of an encoder each holds.

Example:
    chosen = model_class.choose(source, ("classify",))
    chosen.name  # "AlbertForSequenceClassification"
    described = model_class.Description.of(source, chosen)
    described.config, described.notices
"""

import dataclasses
from collections.abc import Sequence

from configs import albert_config, errors, head_config, hub_api, source_rules
from export.checkpoints import mapping, weight_table
from export.conversion import source as sources

_NAMED = 5  # weights in a notice
_FORMULA = weight_table.RULES[weight_table.HUGGING_FACE].group_formula


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelClass:
    """A class of transformers.

    Attributes:
      name: its name.
      heads: attributes of an encoder that it has.
      has_pooler: whether it computes `pooled_output`.
    """

    name: str
    heads: tuple[str, ...]
    has_pooler: bool


_CLASSES = (
    ModelClass(name="AlbertModel", heads=(), has_pooler=True),
    ModelClass(name="AlbertForMaskedLM", heads=(hub_api.MLM,), has_pooler=False),
    ModelClass(name="AlbertForPreTraining", heads=(hub_api.MLM, hub_api.SOP), has_pooler=True),
    ModelClass(name="AlbertForSequenceClassification", heads=(hub_api.CLASSIFY,), has_pooler=True),
    ModelClass(name="AlbertForTokenClassification", heads=(hub_api.TAG,), has_pooler=False),
    ModelClass(name="AlbertForQuestionAnswering", heads=(hub_api.ANSWER,), has_pooler=False),
    ModelClass(name="AlbertForMultipleChoice", heads=(hub_api.CHOOSE,), has_pooler=True),
)


def choose(source: sources.Source, names: Sequence[str]) -> ModelClass:
    """Returns the class that has these heads.

    Args:
      source: the encoder.
      names: of signatures: heads, or `serving_default`; none for all heads that it has.

    Raises:
      errors.InputError: no class has these heads, and no others, or the encoder has not.
    """
    padded = {name: one for name, one in source.signatures.items() if not one.is_unpadded}
    unknown = [name for name in names if name not in padded]
    if unknown:
        raise errors.InputError(
            f"--signature for --to huggingface must be of {', '.join(padded)} of "
            f"{source.directory!r}, got {', '.join(unknown)}"
        )
    chosen = [padded[name] for name in names or padded]
    heads = {one.head for one in chosen if one.head is not None}
    if any(one.by_beam for one in chosen):
        raise errors.InputError(
            f"the answers of {source.directory!r} are by beam, as run_squad_v2's: no class of "
            f"transformers has them. --signature={_options(padded, but=hub_api.ANSWER)}"
        )
    for one in _CLASSES:
        if heads == set(one.heads):
            return one
    listed = ", ".join(name for name in in_order(heads))
    raise errors.InputError(
        f"no class of transformers has the heads of {source.directory!r}, {listed}, and no others: "
        f"say which with --signature={_options(padded)}"
    )


def in_order(heads: set[str]) -> list[str]:
    """Returns kinds of heads in the order of the contract."""
    return [name for name in (hub_api.MLM, hub_api.SOP, *head_config.KINDS) if name in heads]


def _options(names: dict[str, sources.Signature], *, but: str | None = None) -> str:
    heads = {one.head for one in names.values() if one.head not in (None, but)}
    options = [",".join(one.heads) for one in _CLASSES if one.heads and heads >= set(one.heads)]
    return " or ".join([hub_api.SERVING_DEFAULT, *options])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """What a class says of an encoder.

    Attributes:
      model_class: the class.
      config: the hyper-parameters as transformers has them.
      heads: those of a fine-tuned model that the class has.
      notices: one sentence for each thing of the encoder that the class does not say.
    """

    model_class: ModelClass
    config: albert_config.AlbertConfig
    heads: tuple[head_config.HeadConfig, ...]
    notices: tuple[str, ...]

    @classmethod
    def of(cls, source: sources.Source, chosen: ModelClass) -> "Description":
        """Describes an encoder.

        Raises:
          errors.ConfigError: transformers computes something else with any config.
        """
        config = source.config
        has_mlm = hub_api.MLM in chosen.heads
        _check(source, has_mlm=has_mlm)
        fitted = dataclasses.replace(
            config,
            group_formula=_FORMULA,
            embedding_projection=True,
            mlm_layer_norm_eps=None,
            tie_word_embeddings=config.tie_word_embeddings or not has_mlm,
            start_n_top=albert_config.AlbertConfig.start_n_top,
        )
        return cls(
            model_class=chosen,
            config=fitted,
            heads=tuple(head for head in source.heads if head.kind in chosen.heads),
            notices=tuple(_notices(source, chosen)),
        )

    def entries(self) -> list[mapping.Entry]:
        """Returns an entry for every variable that the class has, or that the encoder has."""
        absent = tuple(
            prefix
            for prefix, head in (
                (weight_table.MLM_HEAD, hub_api.MLM),
                (weight_table.SOP_HEAD, hub_api.SOP),
            )
            if head not in self.model_class.heads
        )
        return [
            entry
            for entry in mapping.entries(self.config, heads=self.heads)
            if not entry.variable.startswith(absent)
        ]


def _check(source: sources.Source, *, has_mlm: bool) -> None:
    config = source.config
    problems = []
    layers, groups = config.num_hidden_layers, config.num_hidden_groups
    of_layer = source_rules.GROUP_FORMULAS[_FORMULA]
    theirs = [of_layer(layer, layers, groups) for layer in range(layers)]
    ours = [config.group_of_layer(layer) for layer in range(layers)]
    if theirs != ours:
        problems.append(f"its layers are of the groups {ours}, transformers takes {theirs}")
    eps = config.mlm_layer_norm_eps
    if has_mlm and eps not in (None, config.layer_norm_eps):
        problems.append(
            f"the epsilon of its masked language model is {eps}, transformers takes that of the "
            f"layers, {config.layer_norm_eps}"
        )
    if problems:
        title = f"transformers cannot compute what {source.directory!r} does"
        raise errors.ConfigError(errors.listing(title, problems))


def _notices(source: sources.Source, chosen: ModelClass) -> list[str]:
    has = {one.head for one in source.signatures.values() if one.head}
    left_out = in_order(has - set(chosen.heads))
    found = [f"left out: {', '.join(left_out)}, which {chosen.name} has not"] if left_out else []
    if source.unused:
        more = ", ..." if len(source.unused) > _NAMED else ""
        listed = ", ".join(source.unused[:_NAMED]) + more
        found.append(f"left out: weights that are not the encoder's: {listed}")
    if not source.config.pooler and chosen.name == "AlbertModel":
        found.append(
            "it has no pooler: load it with AlbertModel.from_pretrained(..., "
            "add_pooling_layer=False), or transformers makes a random one"
        )
    if not source.config.embedding_projection:
        found.append(
            "it has no embedding projection: the one that transformers has is the identity here"
        )
    if source.compute_dtype != "float32":
        found.append(
            f"its SavedModel computes in {source.compute_dtype}; the weights are float32, as its "
            "variables are"
        )
    return found
