"""The files of a tokenizer as assets of a SavedModel, which Keras keeps when it saves it again.

Example:
    tokenizer_assets.track(module, spec.tokenizer, directory)  # of an encoder
    tokenizer_assets.pass_on(encoder, text_model)

The vocabulary is `sp_model_file`; of WordPiece `vocab_file`, with the variable `do_lower_case`, as
TF Hub's BERT encoders have them. `tokenizer_config_file` says the rest, and where there is a
`tokenizer.json` it is `tokenizer_file`: together what `finding.beside` reads.
"""

import os
from typing import Any

import tensorflow as tf

from configs import hub_api
from export.artifacts import tokenizer_spec
from preprocess.vocabulary import finding, tokenizer_config

_NAMES = (
    hub_api.SP_MODEL_FILE,
    hub_api.VOCAB_FILE,
    hub_api.DO_LOWER_CASE,
    "tokenizer_config_file",
    "tokenizer_file",
)


def track(module: Any, tokenizer: tokenizer_spec.TokenizerSpec, directory: str) -> None:
    """Makes the files attributes of a module that will be saved.

    Args:
      module: the module.
      tokenizer: the tokenizer.
      directory: where the files are written, until the module has been saved.
    """
    vocabulary = _asset(tokenizer.vocabulary.file_name, tokenizer.asset, directory)
    if tokenizer.is_wordpiece:
        module.vocab_file = vocabulary
        module.do_lower_case = tf.Variable(tokenizer.lower_case, trainable=False)
    else:
        module.sp_model_file = vocabulary
    module.tokenizer_config_file = _asset(tokenizer_config.CONFIG, tokenizer.settings, directory)
    if tokenizer.tokenizer_json is not None:
        module.tokenizer_file = _asset(finding.TOKENIZER, tokenizer.tokenizer_json, directory)


def pass_on(source: Any, target: Any) -> None:
    """Gives a module the files that another one has, which may be a loaded one."""
    for name in _NAMES:
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))


def _asset(name: str, content: bytes, directory: str) -> tf.saved_model.Asset:
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.write(content)
    return tf.saved_model.Asset(path)
