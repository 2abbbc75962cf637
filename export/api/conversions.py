"""Converting exported encoders and text models to the formats of other runtimes.

Example:
    path = conversions.convert("exports/albert_en_large/1", to="onnx", quantize="int8")
"""

from collections.abc import Sequence

from configs import errors
from export.api import notices
from export.conversion import formats
from export.publishing import staging


def convert(
    directory: str,
    *,
    to: str,
    quantize: str = formats.NONE,
    signatures: Sequence[str] = (),
    min_cosine: float = 0.99,
    texts: str | None = None,
    config: str | None = None,
    preprocessor: str | None = None,
    model_name: str | None = None,
    export_dir: str = "exports",
    version: int | None = None,
    log: notices.Log = notices.ignore,
) -> str:
    """Converts an encoder or a text model; returns the path of the version.

    Args:
      directory: of an exported encoder's SavedModel, also one that was trained and saved again;
        but for "litert" of a text model or an embedder, too (`formats.FORMATS` has the tasks).
      to: the format, one of `formats.FORMATS`.
      quantize: of the weights: "none", "float16" or "int8".
      signatures: besides `serving_default`: `unpadded`, a head, or `unpadded.` and a head; of a
        text model `pairs`. For "huggingface" the heads of its one model, or `serving_default` for
        none; empty for all.
      min_cosine: the smallest cosine to the SavedModel's vectors that is good enough.
      texts: file of texts to measure it on, one a line; None for the built-in ones.
      config: a size or the path of a config, for an encoder that has lost its manifest.
      preprocessor: for "huggingface" the folder of the preprocessor that belongs to the encoder,
        where that has not recorded how text is split.
      model_name: the folder above the versions is `<model_name>-<to>`, and `-<quantize>` if it is
        not "none"; None for the model's name in the path of the encoder.
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for that in the path of the encoder, or without one the
        next free one.
      log: called with what was measured.
    """
    # Only this function needs them, and every command would import them to print its --help.
    from export.conversion import batches, conversion, opening
    from export.conversion.hugging_face import tokenizer_files

    chosen = formats.get(to, quantize=quantize)
    if not 0 <= min_cosine <= 1:
        raise errors.InputError(f"--min_cosine must be from 0 to 1, got {min_cosine}")
    if texts is not None and chosen.is_folder:
        raise errors.InputError(f"--texts is not for --to {to}: every weight is compared")
    if preprocessor is not None:
        if not chosen.is_folder:
            raise errors.InputError(f"--preprocessor is not for --to {to}: it has no tokenizer")
        tokenizer_files.check_preprocessor(preprocessor)
    opening.check(directory, chosen=chosen)
    own_name, own_version = conversion.version_of(directory)
    name = model_name or own_name
    if name is None:
        raise errors.DestinationError(
            f"{directory!r} is not <model_name>/<version>: say its name with --model_name"
        )
    request = conversion.Request(
        format_name=chosen.name,
        quantize=quantize,
        signatures=tuple(signatures),
        min_cosine=min_cosine,
        texts=batches.read_texts(texts) if texts is not None else None,
        preprocessor=preprocessor,
    )
    folder_name = conversion.model_name(name, format_name=chosen.name, quantize=quantize)
    version = version or own_version
    staging.check(export_dir, model_name=folder_name, version=version)
    source = opening.open(directory, chosen=chosen, config=config)
    with staging.staged(export_dir, model_name=folder_name, version=version) as folder:
        lines = conversion.write(folder.directory, source=source, request=request)
        notices.tell(log, folder_name, lines)
        folder.sync()
        return staging.rename([folder])[0]
