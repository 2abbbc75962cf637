"""Converts an exported encoder or text model to another format, and verifies it.

Prints the path of the artifact, <export_dir>/<model_name>-<format>/<version>, and nothing else on
stdout:

    dir=$(python -m export.convert exports/albert_en_large/1 --to onnx --quantize int8)

`model.*` is the signature `serving_default`; --signature adds others, each in its own file. What
the SavedModel and the converted model differ by is on stderr and in the manifest.

A text model that classifies or embeds becomes a file of ONNX or OpenVINO that takes strings, one
that fills in masks a file of ONNX:

    python -m export.convert exports/my_classifier_text/1 --to openvino --signature pairs

`--to huggingface` writes model.safetensors, config.json and the tokenizer for transformers; every
weight has the SavedModel's bits.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from export import api
from export.cli import export_flags, runner, trust_flag
from export.conversion import formats

_TO = flags.DEFINE_enum("to", None, list(formats.FORMATS), "The format.", required=True)
_QUANTIZE = flags.DEFINE_enum(
    "quantize",
    formats.NONE,
    formats.QUANTIZATIONS,
    "What the weights are stored in. With int8 products are computed in 8 bits, too, where the "
    "runtime can.",
)
_SIGNATURE = flags.DEFINE_list(
    "signature",
    [],
    "Further signatures, each a file: unpadded, a head as mlm or classify, or unpadded.<head>; of "
    "text models pairs. For huggingface: the heads of the model, or serving_default for none. "
    "Default: all.",
)
_MIN_COSINE = flags.DEFINE_float(
    "min_cosine",
    0.99,
    "Nothing is published if a vector of a text or a token has a smaller cosine to the "
    "SavedModel's.",
    lower_bound=0.0,
    upper_bound=1.0,
)
_TEXTS = flags.DEFINE_string(
    "texts",
    None,
    "File of up to 1000 texts to measure it on, one a line. Default: 16 built-in texts.",
)
_CONFIG = flags.DEFINE_string(
    "config", None, "Size or file of the config, for an encoder that has lost its manifest."
)
_PREPROCESSOR = flags.DEFINE_string(
    "preprocessor",
    None,
    "For huggingface: folder of the preprocessor, for an encoder that has not recorded its "
    "tokenization.",
)
flags.declare_key_flag("export_dir")
flags.declare_key_flag("model_name")
flags.declare_key_flag("version")
flags.adopt_module_key_flags(trust_flag)


@trust_flag.applied()
def main(directory: str) -> None:
    print(
        api.convert(
            directory,
            to=_TO.value,
            quantize=_QUANTIZE.value,
            signatures=_SIGNATURE.value,
            min_cosine=_MIN_COSINE.value,
            texts=_TEXTS.value,
            config=_CONFIG.value,
            preprocessor=_PREPROCESSOR.value,
            model_name=export_flags.MODEL_NAME.value,
            export_dir=export_flags.EXPORT_DIR.value,
            version=export_flags.VERSION.value,
            log=runner.log,
        )
    )


if __name__ == "__main__":
    runner.run(main, positional=["DIRECTORY"])
