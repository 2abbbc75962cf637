"""What a verification found, as lines and tables: on a terminal, in a log, or as a page of HTML.

report.show(console, findings=findings, compared=compared)
page = report.page("albert_en_large/1", findings=findings, compared=compared)
"""

import io
import itertools
import math
from collections.abc import Sequence

from rich import console, table, text

from export.verification import check, comparison

_PASSED, _FAILED = "pass", "FAIL"
_STYLES = {_PASSED: "green", _FAILED: "bold red"}
_BAR_WIDTH = 20  # characters, for a difference as large as its tolerance
_PAGE_WIDTH = 120  # characters


def show(
    stream: console.Console,
    *,
    findings: Sequence[check.Finding],
    compared: comparison.Comparison | None,
) -> None:
    """Writes the findings and the comparison.

    Args:
      stream: where to.
      findings: of the contract.
      compared: the comparison with the checkpoint; None if there was none.
    """
    passed = sum(not finding.problem for finding in findings)
    _line(stream, f"contract: {passed} of {len(findings)} checks passed")
    for finding in findings:
        _line(stream, "  ", _mark(not finding.problem), f"  {finding.check}")
        if finding.problem:
            _line(stream, f"        {finding.problem}")
    if compared is None:
        return
    wrong = len(compared.weight_problems)
    _line(stream, f"\nweights: {compared.weights} variables compared bit by bit, {wrong} problems")
    for problem in weight_problems(compared):
        _line(stream, "  ", _mark(False), f"  {problem}")
    for engine, rows in itertools.groupby(compared.rows, lambda row: row.engine):
        _line(stream, f"\nagainst {engine}")
        stream.print(_differences(list(rows)))
    if compared.texts is not None:
        _texts(stream, compared.texts)


def page(
    title: str,
    *,
    findings: Sequence[check.Finding],
    compared: comparison.Comparison | None,
) -> str:
    """Returns what `show` writes as a self-contained HTML page.

    Args:
      title: what was verified.
      findings: of the contract.
      compared: the comparison with the checkpoint; None if there was none.
    """
    stream = console.Console(record=True, file=io.StringIO(), width=_PAGE_WIDTH)
    passed = not any(finding.problem for finding in findings)
    holds = passed and (compared is None or compared.passed)
    verdict = "Everything holds." if holds else "Something does not hold."
    _line(stream, text.Text(title, "bold"))
    _line(stream, text.Text(f"{verdict}\n", _STYLES[_PASSED if holds else _FAILED]))
    show(stream, findings=findings, compared=compared)
    return stream.export_html()


def _differences(rows: Sequence[comparison.Row]) -> table.Table:
    """Returns a table of the differences, each with a bar for its share of the tolerance."""
    differences = table.Table("", "output", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    differences.add_column("max difference", justify="right")
    differences.add_column("tolerance", justify="right")
    differences.add_column("share of the tolerance")
    for row in rows:
        mark = _mark(row.passed)
        bar = "#" * math.ceil(_BAR_WIDTH * min(row.difference / row.tolerance, 1))
        differences.add_row(
            text.Text.assemble("  ", mark),
            text.Text(row.output if row.layer is None else f"{row.output}, layer {row.layer}"),
            f"{row.difference:.1e}",
            f"{row.tolerance:.1e}",
            text.Text(bar, mark.style),
        )
    return differences


def _texts(stream: console.Console, texts: comparison.Texts) -> None:
    """Writes of how many texts the answer is another one, and which texts differ."""
    ties = f", {texts.ties} more are ties" if texts.ties else ""
    number = f"another answer for {texts.other} of {texts.count} texts{ties}"
    _line(stream, "\n  ", _mark(not texts.other), f"  {number}")
    for one in texts.differing:
        _line(stream, f"        {one}")


def _line(stream: console.Console, *parts: str | text.Text) -> None:
    stream.print(text.Text.assemble(*parts), soft_wrap=True)


def weight_problems(compared: comparison.Comparison) -> Sequence[str]:
    """Returns what is wrong with the weights; of two different models, that they are."""
    wrong = compared.weight_problems
    if not compared.is_other_model:
        return wrong
    return [
        f"{len(wrong)} of {compared.weights} variables differ: the artifact was made from another "
        "checkpoint"
    ]


def _mark(passed: bool) -> text.Text:
    mark = _PASSED if passed else _FAILED
    return text.Text(mark, _STYLES[mark])
