"""The Python API, which the commands call: one function for each kind of artifact.

Example:
    from export import api

    path = api.export_encoder("albert_large/model.ckpt-best", model_name="albert_en_large")
    assert not api.verify(path, checkpoint="albert_large/model.ckpt-best").problems

All checks that do not need TensorFlow precede its import. An artifact is written to a staging
folder, checked by another process, and renamed to `<export_dir>/<model_name>/<version>`. Only the
first export of a process is reproducible, see `hub_module.save`.

Every function raises `configs.errors.InputError` with a message for the user.
"""

from export.api.artifacts import export_encoder, export_preprocessor, verify
from export.api.conversions import convert
from export.api.text_models import export_all, export_embedder, export_text_model
from export.artifacts.head_choice import Request as HeadRequest
from export.artifacts.text_model_spec import Request as TextModelRequest
from export.artifacts.tokenizer_choice import Request as TokenizerRequest

__all__ = [
    "HeadRequest",
    "TextModelRequest",
    "TokenizerRequest",
    "convert",
    "export_all",
    "export_embedder",
    "export_encoder",
    "export_preprocessor",
    "export_text_model",
    "verify",
]
