"""The commands as installed programs: `albert-export-encoder` is `python -m export.encoder`."""

import functools
import runpy

# As the main module, because absl shows its help and its flags.
_run = functools.partial(runpy.run_module, run_name="__main__", alter_sys=True)

all_artifacts = functools.partial(_run, "export.all")
encoder = functools.partial(_run, "export.encoder")
preprocessor = functools.partial(_run, "export.preprocessor")
embedder = functools.partial(_run, "export.embedder")
text_model = functools.partial(_run, "export.text_model")
convert = functools.partial(_run, "export.convert")
verify = functools.partial(_run, "export.verify")
release = functools.partial(_run, "export.release")
