"""Releases models: writes a folder to host, with pages, provenance, checksums and signatures.

    python -m export.release --models models.json --publisher tensorflow --output_dir dist
    python -m export.release --configs tiny,base --publisher tensorflow

Writes for every model `<output_dir>/<publisher>/<name>/<version>.tar.gz`, its in-toto statement
(SLSA provenance) and, with --signing_key, its OpenSSF model signature; then pages in Markdown and
HTML, `index.html`, and `SHA256SUMS`. Every model is exported in a fresh process and verified from
its tarball. `hosting/nginx.conf` serves the folder. Only the paths of the tarballs go to stdout.
A list of models is JSON:

    {"models": [
      {"name": "albert_en_large", "kind": "encoder", "version": 3,
       "checkpoint": "albert_large/model.ckpt-best", "options": {"compute_dtype": "bfloat16"}},
      {"name": "albert_en_preprocess", "kind": "preprocessor", "version": 3,
       "sp_model_file": "albert_large/30k-clean.model"},
      {"name": "albert_en_large_embed", "kind": "embedder", "version": 1,
       "encoder": "albert_en_large/3", "preprocessor": "albert_en_preprocess/3",
       "options": {"pooling": "mean"}}
    ]}

An encoder has `config` or `checkpoint` or both, and `sp_model_file` or `vocab_file` if the
checkpoint has no vocabulary. `"formats": ["onnx", "litert-int8"]` also converts it, and releases
`<name>-onnx` and `<name>-litert-int8`; `"formats": ["onnx", "openvino", "huggingface"]` an embedder
or a text model. `options` are other flags of the exporters. Complete versions are kept, and a
version is never overwritten.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from configs import errors
from export.cli import runner
from export.publishing import publish, staging
from export.release import model_list, run, signing

_MODELS = flags.DEFINE_string("models", None, "The list of models, a JSON file.")
_CONFIGS = flags.DEFINE_list(
    "configs",
    None,
    "Replaces --models: sizes to release with random weights, and the preprocessor, as version 1.",
)
flags.mark_flags_as_mutual_exclusive([_MODELS, _CONFIGS], required=True)
_PUBLISHER = flags.DEFINE_string(
    "publisher", None, "Folder above the models. Required.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", "dist", "Folder to write the release into.")
_SIGNING_KEY = flags.DEFINE_string(
    "signing_key",
    None,
    "PEM file with a private key (P-256, P-384 or P-521) to sign with. Needs model-signing.",
)
_SOURCE_URI = flags.DEFINE_string(
    "source_uri",
    None,
    "Public address of this project's repository for the statements, as git+https://...",
)
_BASE_URL = flags.DEFINE_string(
    "base_url",
    "http://127.0.0.1:8500",
    "Public address of the output folder, the beginning of the handles in the pages.",
)
_JOBS = flags.DEFINE_integer("jobs", 1, "Number of models to build in parallel.", lower_bound=1)


def main() -> None:
    done = run.run(
        _listed(),
        publisher=_publisher(),
        output_dir=_OUTPUT_DIR.value,
        jobs=_JOBS.value,
        key=signing.Key(_SIGNING_KEY.value) if _SIGNING_KEY.value else None,
        source_uri=_SOURCE_URI.value,
        base_url=_BASE_URL.value,
    )
    failed = [result for result in done if result.problem]
    for result in done:
        if result not in failed:
            print(result.version_paths.tarball)
    if failed:
        problems = [f"{result.model}: {result.problem}" for result in failed]
        title = f"{len(failed)} of {len(done)} models failed"
        raise errors.ReleaseError(errors.listing(title, problems))


def _listed() -> list[model_list.ModelSpec]:
    if _MODELS.value is not None:
        return model_list.read(_MODELS.value)
    return model_list.untrained(_CONFIGS.value or [])


def _publisher() -> str:
    publisher = _PUBLISHER.value
    if not staging.MODEL_NAME.fullmatch(publisher):
        raise errors.ReleaseError(
            f"--publisher must be letters, digits, '_', '-' and '.', got {publisher!r}"
        )
    publish.check(_OUTPUT_DIR.value, model_name=publisher, version=None, flag="--output_dir")
    return publisher


if __name__ == "__main__":
    runner.run(main)
