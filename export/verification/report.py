"""What a verification found: a table for the terminal, and a page with a plot.

    print(report.table(findings=findings, compared=compared))
    page = report.page("albert_en_large/1", findings=findings, compared=compared)

The page is one file of HTML with an inline SVG: it needs no network and no library.
"""

import html
import math
from collections.abc import Sequence

from export.verification import check, comparison

_PASSED, _FAILED = "pass", "FAIL"


def table(*, findings: Sequence[check.Finding], compared: comparison.Comparison | None) -> str:
    """Returns the findings and the comparison as lines of text."""
    lines = ["contract"]
    for finding in findings:
        lines.append(f"  {_mark(not finding.problem):5}  {finding.check}")
        if finding.problem:
            lines.append(f"         {finding.problem}")
    if compared is None:
        return "\n".join(lines)
    lines += ["", f"weights: {_weights(compared)}"]
    lines += [f"  {_FAILED}  {problem}" for problem in _weight_problems(compared)]
    if compared.is_other_model:
        return "\n".join(lines)
    engines = list(dict.fromkeys(row.engine for row in compared.rows))
    for engine in engines:
        rows = [row for row in compared.rows if row.engine == engine]
        width = max(len(_name(row)) for row in rows)
        lines += ["", f"against {engine}"]
        lines.append(f"         {'output':{width}}  max difference  tolerance")
        lines += [
            f"  {_mark(row.passed):5}  {_name(row):{width}}  "
            f"{row.difference:14.1e}  {row.tolerance:9.1e}"
            for row in rows
        ]
    return "\n".join(lines)


def page(
    title: str,
    *,
    findings: Sequence[check.Finding],
    compared: comparison.Comparison | None,
) -> str:
    """Returns a self-contained HTML page.

    Args:
      title: what was verified.
      findings: of the contract.
      compared: the comparison with the checkpoint; None if there was none.
    """
    broken = sum(finding.problem is not None for finding in findings)
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p class='lead'>{_summary(broken, compared)}</p>",
    ]
    if compared is not None:
        parts += _comparison_parts(compared)
    parts.append(f"<h2>Contract: {len(findings) - broken} of {len(findings)} checks passed</h2>")
    parts.append("<table>" + "".join(map(_finding_row, findings)) + "</table>")
    return _PAGE.format(title=html.escape(title), body="\n".join(parts))


def _summary(broken: int, compared: comparison.Comparison | None) -> str:
    passed = not broken and (compared is None or compared.passed)
    verdict = "Everything holds." if passed else "Something does not hold."
    css = "good" if passed else "bad"
    return f"<span class='{css}'>{verdict}</span>"


def _comparison_parts(compared: comparison.Comparison) -> list[str]:
    parts = [f"<h2>Weights</h2><p>{html.escape(_weights(compared))}</p>"]
    parts += [f"<p class='bad'>{html.escape(p)}</p>" for p in _weight_problems(compared)]
    layers = [row for row in compared.rows if row.layer is not None]
    if layers:
        parts.append("<h2>Difference per layer</h2>")
        parts.append(f"<p>Against {html.escape(layers[0].engine)}; the line is the tolerance.</p>")
        parts.append(plot(layers))
    parts.append("<h2>Differences</h2><table>")
    parts.append(
        "<tr><th></th><th>output</th><th>max difference</th><th>tolerance</th><th>engine</th></tr>"
    )
    for row in compared.rows:
        parts.append(
            f"<tr>{_cell(row.passed)}<td><code>{html.escape(_name(row))}</code></td>"
            f"<td class='n'>{row.difference:.1e}</td><td class='n'>{row.tolerance:.1e}</td>"
            f"<td>{html.escape(row.engine)}</td></tr>"
        )
    parts.append("</table>")
    return parts


def plot(rows: Sequence[comparison.Row]) -> str:
    """Returns an SVG with a bar for each layer's difference, on a logarithmic axis."""
    width, height, left, bottom = 760, 260, 64, 34
    values = [row.difference for row in rows if 0 < row.difference < math.inf]
    low = math.floor(math.log10(min([*values, 1e-8])))
    high = math.ceil(math.log10(max([*values, *(row.tolerance for row in rows)]))) + 0.2

    def y(value: float) -> float:
        share = (math.log10(min(max(value, 10.0**low), 10.0**high)) - low) / (high - low)
        return height - bottom - share * (height - bottom - 10)

    step = (width - left - 10) / len(rows)
    marks = []
    for exponent in range(low, math.floor(high) + 1):
        at = y(10.0**exponent)
        marks.append(f"<line class='grid' x1='{left}' x2='{width - 10}' y1='{at}' y2='{at}'/>")
        marks.append(f"<text x='{left - 8}' y='{at + 4}' text-anchor='end'>1e{exponent}</text>")
    for index, row in enumerate(rows):
        x = left + index * step
        top = y(row.difference)
        css = "bar" if row.passed else "bar over"
        marks.append(
            f"<rect class='{css}' x='{x + step * 0.15:.1f}' y='{top:.1f}' rx='2' "
            f"width='{step * 0.7:.1f}' height='{max(height - bottom - top, 0):.1f}'>"
            f"<title>layer {row.layer}: {row.difference:.2e}</title></rect>"
        )
        limit = y(row.tolerance)
        marks.append(
            f"<line class='limit' x1='{x:.1f}' x2='{x + step:.1f}' y1='{limit:.1f}' "
            f"y2='{limit:.1f}'/>"
        )
        if len(rows) <= 24 or index % 4 == 0:
            marks.append(
                f"<text x='{x + step / 2:.1f}' y='{height - bottom + 16}' "
                f"text-anchor='middle'>{row.layer}</text>"
            )
    return (
        f"<svg viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='largest absolute difference per layer'>{''.join(marks)}</svg>"
    )


def _finding_row(finding: check.Finding) -> str:
    detail = f"<br><small>{html.escape(finding.problem)}</small>" if finding.problem else ""
    return f"<tr>{_cell(not finding.problem)}<td>{html.escape(finding.check)}{detail}</td></tr>"


def _cell(passed: bool) -> str:
    return f"<td class='{'good' if passed else 'bad'}'>{_mark(passed)}</td>"


def _mark(passed: bool) -> str:
    return _PASSED if passed else _FAILED


def _name(row: comparison.Row) -> str:
    return row.output if row.layer is None else f"{row.output}, layer {row.layer}"


def other_model(compared: comparison.Comparison) -> str:
    """Returns that an artifact and a checkpoint are of different models, in a few words."""
    return (
        f"{len(compared.weight_problems)} of {compared.weights} variables differ: the artifact was "
        "made from another checkpoint"
    )


def _weight_problems(compared: comparison.Comparison) -> Sequence[str]:
    return [other_model(compared)] if compared.is_other_model else compared.weight_problems


def _weights(compared: comparison.Comparison) -> str:
    wrong = len(compared.weight_problems)
    return f"{compared.weights} variables compared bit by bit, {wrong} problems"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1f2933; background: #fbfcfd;
  max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem; }}
h1 {{ font-size: 1.5rem; margin-bottom: .25rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
.lead {{ font-size: 1.1rem; margin-top: 0; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #e4e9ee;
  vertical-align: top; }}
th {{ color: #66788a; font-weight: 500; }}
.n {{ font-variant-numeric: tabular-nums; }}
.good {{ color: #18794e; font-weight: 600; }}
.bad {{ color: #c62a2f; font-weight: 600; }}
small {{ color: #c62a2f; }}
svg {{ width: 100%; height: auto; }}
svg text {{ font-size: 11px; fill: #66788a; }}
.grid {{ stroke: #e4e9ee; }}
.bar {{ fill: #5b8def; }}
.over {{ fill: #c62a2f; }}
.limit {{ stroke: #c62a2f; stroke-width: 1.5; stroke-dasharray: 4 3; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
