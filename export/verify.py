"""Verifies a SavedModel: that it keeps the contract, and that it computes what its checkpoint does.

    python -m export.verify exports/albert_en_large/1
    python -m export.verify exports/albert_en_large/1 --checkpoint albert_large --report page.html
    python -m export.verify exports/albert_en_large/1 --results results.json
    python -m export.verify exports/my_text/1 --checkpoint my_classifier --texts texts.txt

The first checks any encoder, preprocessor, embedder or text model, whoever made it. The second also
compares every weight bit by bit, and every output and layer with what an engine that is not ours
computes from the checkpoint. The third is for programs. The last compares a text model with its
checkpoint on texts. What `export.convert` made is run in its runtime and compared with the
SavedModel that it was made from. Prints a table; exits with 1 if anything does not hold.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import json
import sys

from absl import flags

from export import api
from export.cli import checkpoint_flags, console, runner, trust_flag

_REPORT = flags.DEFINE_string("report", None, "File to write a page of HTML to.")
_RESULTS = flags.DEFINE_string(
    "results",
    None,
    "File to write the results to, as JSON: what was checked, and how far every output is from "
    "that of the checkpoint.",
)
_TEXTS = flags.DEFINE_string(
    "texts",
    None,
    "With --checkpoint, file of texts to compare a text model on, one a line, UTF-8. A pair of "
    "texts, or a question and its context, have a tab between them; a text of fill_mask has one "
    "mask. Default: a built-in set in several languages.",
)
_SOURCE = flags.DEFINE_string(
    "source",
    None,
    "Folder of the SavedModel that ARTIFACT was converted from. Default: the one beside it that "
    "has the digest which its manifest records.",
)
flags.adopt_module_key_flags(checkpoint_flags)
flags.adopt_module_key_flags(trust_flag)


@trust_flag.applied()
def main(artifact: str) -> None:
    result = api.verify(
        artifact,
        checkpoint=checkpoint_flags.CHECKPOINT.value,
        texts=_TEXTS.value,
        source=_SOURCE.value,
        log=runner.log,
        **checkpoint_flags.values(),
    )
    result.show(console.for_stream(sys.stdout))
    if _REPORT.value is not None:
        with open(_REPORT.value, "w", encoding="utf-8") as file:
            file.write(result.page(title=artifact))
    if _RESULTS.value is not None:
        with open(_RESULTS.value, "w", encoding="utf-8") as file:
            file.write(json.dumps(result.results(), indent=2) + "\n")
    if result.problems:
        runner.fail(f"{artifact}: {'; '.join(result.problems)}")


if __name__ == "__main__":
    runner.run(main, positional=["ARTIFACT"])
