"""Writes the artifact of a text model: one graph from text to the answer.

Example:
    text_model_artifact.write("dir", spec=spec)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from configs import head_config, hub_api, tokenizations
from export.artifacts import (
    hub_module,
    text_model_spec,
    tokenizer_assets,
    tokenizer_choice,
    tokenizer_spec,
)
from export.metadata import manifest
from export.saved_models import loading
from export.tasks import answer, classify, embed, fill_mask, tag, texts

_Signatures = dict[str, Any]


def write(directory: str, *, spec: text_model_spec.TextModelSpec) -> None:
    """Writes a text model into `directory`, the root of the SavedModel."""
    encoder = loading.load(spec.encoder_dir)
    preprocessor = loading.load(spec.preprocessor_dir)
    of_preprocessor = spec.manifests[manifest.PREPROCESSOR]
    made = texts.Texts(
        preprocessor,
        max_seq_length=spec.plan.length,
        boundary=of_preprocessor.get("boundary"),
        fair_pairs=of_preprocessor.get("tokenization") == tokenizations.HUGGING_FACE,
    )
    module, signatures, entries = _MAKERS[spec.plan.task](encoder, made, spec)
    # Tracks the tables and the SentencePiece model, which the functions use.
    module.tokenize = preprocessor.tokenize
    if spec.plan.task in _WITH_OFFSETS:
        module.tokenize_with_offsets = preprocessor.tokenize_with_offsets
    if not spec.belonging.differs:  # else the encoder's files are not what its preprocessor does
        tokenizer_assets.pass_on(encoder, module)
    module.task = tf.Variable(spec.plan.task, trainable=False, dtype=tf.string, name="task")
    hub_module.save(module, directory, signatures=signatures)
    common = {
        "task": spec.plan.task,
        "made_from": spec.manifests,
        "max_seq_length": spec.plan.length,
        **({"other_tokenization": True} if spec.belonging.differs else {}),
    }
    manifest.write(directory, artifact=manifest.TEXT_MODEL, entries={**common, **entries})


def _embed(
    encoder: Any, made: texts.Texts, spec: text_model_spec.TextModelSpec
) -> tuple[hub_module.HubModule, _Signatures, dict[str, Any]]:
    pooling = spec.plan.pooling
    long_texts = spec.request.long_texts
    task = embed.Embed(encoder, made, pooling=pooling, long_texts=long_texts)
    variables = [*encoder.variables, *task.variables]
    # The callable gives the vectors alone, as TF Hub's embeddings of texts do.
    module = _module(lambda sentences, training: task(sentences, training)[0], variables)
    serve = _serve(
        lambda sentences: dict(
            zip((hub_api.DEFAULT, hub_api.TRUNCATED), task(sentences, False), strict=True)
        ),
        (hub_api.SENTENCES,),
    )
    entries = {**pooling.manifest_entries(), "long_texts": long_texts}
    return module, {hub_api.SERVING_DEFAULT: serve}, entries


def _classify(
    encoder: Any, made: texts.Texts, spec: text_model_spec.TextModelSpec
) -> tuple[hub_module.HubModule, _Signatures, dict[str, Any]]:
    task = classify.Classify(encoder, made)
    module = _module(task, encoder.classify.variables)
    module.pairs = _module(
        lambda inputs, training: task.pairs(
            inputs[hub_api.FIRST], inputs[hub_api.SECOND], training
        ),
        encoder.classify.variables,
        inputs=(hub_api.FIRST, hub_api.SECOND),
    )
    module.labels = _words(hub_api.LABELS, task.labels)
    signatures = {
        hub_api.SERVING_DEFAULT: module.signature(hub_api.CLASSIFIED_OUTPUTS),
        hub_api.PAIRS: module.pairs.signature(hub_api.CLASSIFIED_OUTPUTS),
    }
    return module, signatures, {"labels": task.labels, "problem_type": task.problem_type}


def _tag(
    encoder: Any, made: texts.Texts, spec: text_model_spec.TextModelSpec
) -> tuple[hub_module.HubModule, _Signatures, dict[str, Any]]:
    task = tag.Tag(encoder, made, spaces_in_words=_tokenizer(spec).spaces_in_words)
    module = _module(task, encoder.tag.variables)
    module.labels = _words(hub_api.LABELS, task.labels)
    signatures = {
        hub_api.SERVING_DEFAULT: module.signature(hub_api.TAGGED_OUTPUTS),
        hub_api.ENTITIES: _serve(task.entities, (hub_api.SENTENCES,)),
    }
    return module, signatures, {"labels": task.labels}


def _answer(
    encoder: Any, made: texts.Texts, spec: text_model_spec.TextModelSpec
) -> tuple[hub_module.HubModule, _Signatures, dict[str, Any]]:
    tokenizer = _tokenizer(spec)
    # Hugging Face's libraries split a text at them.
    added = getattr(tokenizer.described, "added_tokens", ())
    longest = spec.plan.max_answer_length
    task = answer.Answer(
        encoder,
        made,
        own_words={token.id: token.content for token in added},
        starts_word=tokenizer.starts_word,
        max_answer_length=longest,
    )
    module = _module(
        lambda inputs, training: task(
            inputs[hub_api.QUESTIONS], inputs[hub_api.CONTEXTS], training
        ),
        encoder.answer.variables,
        inputs=(hub_api.QUESTIONS, hub_api.CONTEXTS),
    )
    signatures = {hub_api.SERVING_DEFAULT: module.signature(hub_api.ANSWERED_OUTPUTS)}
    return module, signatures, {"max_answer_length": longest}


def _fill_mask(
    encoder: Any, made: texts.Texts, spec: text_model_spec.TextModelSpec
) -> tuple[hub_module.HubModule, _Signatures, dict[str, Any]]:
    special = made.preprocessor.tokenize.get_special_tokens_dict()
    mask_id = int(special["mask_id"])
    tokenizer = _tokenizer(spec)
    task = fill_mask.FillMask(
        encoder,
        made,
        mask=tokenizer.described.pieces[mask_id],
        mask_id=mask_id,
        num_pieces=int(special["vocab_size"]),
        is_token=tokenizer.tokenization == tokenizations.HUGGING_FACE,
        is_wordpiece=tokenizer.is_wordpiece,
    )
    module = _module(task, encoder.mlm.variables)
    signatures = {hub_api.SERVING_DEFAULT: module.signature(hub_api.FILLED_OUTPUTS)}
    return module, signatures, {"mask": tokenizer.described.pieces[mask_id]}


_MAKERS: Mapping[str, Callable[..., tuple[hub_module.HubModule, _Signatures, dict[str, Any]]]] = {
    text_model_spec.EMBED: _embed,
    head_config.CLASSIFY: _classify,
    head_config.TAG: _tag,
    head_config.ANSWER: _answer,
    text_model_spec.FILL_MASK: _fill_mask,
}


# The other tasks do not need the offsets of tokens, which are half of a preprocessor's graph.
_WITH_OFFSETS = (head_config.TAG, head_config.ANSWER)


def _module(
    function: Any, variables: Sequence[tf.Variable], *, inputs: Sequence[str] = ()
) -> hub_module.HubModule:
    """Returns a callable of strings [B], or of a dict of them by the names of `inputs`."""
    specs = {name: tf.TensorSpec([None], tf.string, name=name) for name in inputs}
    sentences = tf.TensorSpec([None], tf.string, name=hub_api.SENTENCES)
    return hub_module.HubModule(function, specs=specs or sentences, variables=list(variables))


def _serve(function: Any, inputs: Sequence[str]) -> tf.types.experimental.GenericFunction:
    """Returns a signature from strings [B] to what `function` returns by name.

    It is traced while it is saved, so that it calls the same functions as the callables.
    """
    specs = [tf.TensorSpec([None], tf.string, name=name) for name in inputs]
    return tf.function(function, input_signature=specs, autograph=False)


def _tokenizer(spec: text_model_spec.TextModelSpec) -> tokenizer_spec.TokenizerSpec:
    """Returns what the encoder's assets say of its tokenizer."""
    return tokenizer_choice.of(
        tokenizer_choice.Request(), checkpoint=None, encoder=spec.encoder_dir
    )


def _words(name: str, values: Sequence[str]) -> tf.Variable:
    return tf.Variable(list(values), trainable=False, dtype=tf.string, name=name)
