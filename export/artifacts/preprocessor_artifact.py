"""Writes the preprocessor artifact, which has the interface of TF Hub's `albert_en_preprocess`.

Example:
    preprocessor_artifact.write(
        "dir", vocabulary=model, tokenization="hub", lower_case=True, default_seq_length=128
    )
"""

from configs import hub_api
from export.artifacts import hub_module
from export.metadata import manifest
from preprocess import preprocessor
from preprocess.tokenizers import engines
from preprocess.vocabulary import hugging_face, vocabularies


def write(
    directory: str,
    *,
    vocabulary: vocabularies.Vocabulary | hugging_face.HuggingFaceTokenizer,
    tokenization: str,
    lower_case: bool | None = None,
    keep_accents: bool | None = None,
    default_seq_length: int,
) -> None:
    """Writes a preprocessor into `directory`.

    Args:
      directory: root of the SavedModel.
      vocabulary: a SentencePiece model, a WordPiece vocabulary for BERT's tokenizer, or a
        description of a tokenizer of Hugging Face's libraries.
      tokenization: "hub" for TF Hub's, "original" for google-research/albert's, "huggingface" for
        a description.
      lower_case: whether the vocabulary is uncased; a description says it itself.
      keep_accents: whether the vocabulary has accents; a description says it itself.
      default_seq_length: default length of the packed rows, in tokens.

    Raises:
      ValueError: `default_seq_length` is too small for one segment, or the vocabulary does not have
        this tokenization.
    """
    engine = engines.make(
        vocabulary,
        tokenization=tokenization,
        lower_case=lower_case,
        keep_accents=keep_accents,
    )
    if isinstance(vocabulary, hugging_face.HuggingFaceTokenizer):
        lower_case = vocabulary.lower_case
    root = preprocessor.Preprocessor(engine, default_seq_length=default_seq_length)
    signatures = {hub_api.SERVING_DEFAULT: root.__call__.get_concrete_function()}
    hub_module.save(root, directory, signatures=signatures)
    entries = {
        # See preprocess/tokenizers/truncation.py.
        "boundary": engine.boundary,
        "default_seq_length": default_seq_length,
        "lower_case": lower_case is not False,
        "tokenization": tokenization,
        "tokenizer": {"file": vocabulary.file_name, "sha256": vocabulary.file_sha256},
    }
    manifest.write(directory, artifact=manifest.PREPROCESSOR, entries=entries)
