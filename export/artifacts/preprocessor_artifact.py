"""Writes the preprocessor artifact, which has the interface of TF Hub's `albert_en_preprocess`.

Example:
    preprocessor_artifact.write("dir", tokenizer=tokenizer_spec, default_seq_length=128)
"""

from configs import hub_api
from export.artifacts import hub_module, tokenizer_spec
from export.metadata import manifest
from preprocess import preprocessor
from preprocess.tokenizers import engines


def write(
    directory: str, *, tokenizer: tokenizer_spec.TokenizerSpec, default_seq_length: int
) -> None:
    """Writes a preprocessor into `directory`.

    Args:
      directory: root of the SavedModel.
      tokenizer: the vocabulary and how text is split with it.
      default_seq_length: default length of the packed rows, in tokens.

    Raises:
      ValueError: `default_seq_length` is too small for one segment.
    """
    engine = engines.make(
        tokenizer.described,
        tokenization=tokenizer.tokenization,
        lower_case=tokenizer.lower_case,
        keep_accents=tokenizer.keep_accents,
    )
    root = preprocessor.Preprocessor(engine, default_seq_length=default_seq_length)
    # Not traced before: while saving, TensorFlow traces what has an input signature once more.
    hub_module.save(root, directory, signatures={hub_api.SERVING_DEFAULT: root.__call__})
    entries = {
        # See preprocess/tokenizers/truncation.py.
        "boundary": engine.boundary,
        "default_seq_length": default_seq_length,
        **tokenizer.manifest_entries(),
    }
    manifest.write(directory, artifact=manifest.PREPROCESSOR, entries=entries)
