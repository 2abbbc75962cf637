"""Shows the results as Markdown, for docs/reference/portability.md.

Example:
    text = table.markdown(results)
"""

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.portability import matrix, parts
from configs import errors

BEGIN = "<!-- portability:begin -->"
END = "<!-- portability:end -->"

# Results of `matrix.measure` by environment, then by consumer.
Results = Mapping[str, Mapping[str, Any]]

_NOT_TRIED = "·"
_NOT_RUN = "not run"
_REASON_WIDTH = 200
_INTRODUCTION = f"""\
Largest absolute differences from `hub.load` in the pinned TensorFlow: of outputs and, after `fit`,
of trained weights. `make portability` measures them and writes this section.
{_NOT_TRIED}: there is nothing to try."""


def markdown(results: Results) -> str:
    """Returns two tables: by version of TensorFlow, and by consumer."""
    notes: list[str] = []
    sections = [_INTRODUCTION, _versions_table(results, notes), _consumers_table(results, notes)]
    sections.append("\n".join(f"{number}. {note}" for number, note in enumerate(notes, start=1)))
    return "\n\n".join(sections).strip()


def problems(results: Results) -> list[str]:
    """Returns a line for each difference above its limit."""
    return [
        f"{consumer.title} in {environment}: {part} differs by {found['difference']:.1e}"
        for consumer in matrix.CONSUMERS
        for environment in consumer.environments
        for part, found in _found(results, environment, consumer).items()
        if found.get("difference", 0.0) > consumer.limit(part)
    ]


def replace_section(page: str, text: str) -> str:
    """Returns the page with `text` between the markers.

    Raises:
      errors.InputError: the page does not have each marker once, in order.
    """
    if [page.count(BEGIN), page.count(END)] != [1, 1] or page.index(END) < page.index(BEGIN):
        raise errors.InputError(f"the page must have {BEGIN} and then {END} once each")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _versions_table(results: Results, notes: list[str]) -> str:
    shown = [consumer for consumer in matrix.CONSUMERS if len(consumer.environments) > 1]
    names = shown[0].environments
    rows = [["", *(_title(results, name) for name in names)]]
    for consumer in shown:
        for label, bfloat16 in ((consumer.title, False), (f"{consumer.title}, bfloat16", True)):
            chosen = [part for part in consumer.parts if parts.is_bfloat16(part) == bfloat16]
            found = [_found(results, name, consumer) for name in names]
            rows.append([label, *(_cell([f[p] for p in chosen if p in f], notes) for f in found)])
    return _table(rows)


def _consumers_table(results: Results, notes: list[str]) -> str:
    rows = [["", *(f"`{name}`" if name.startswith(".") else name for name in parts.PARTS)]]
    for consumer in matrix.CONSUMERS:
        found = _found(results, consumer.environments[-1], consumer)
        cells = (
            _cell([found[p]] if p in found else [], notes) if p in consumer.parts else _NOT_TRIED
            for p in parts.PARTS
        )
        rows.append([consumer.title, *cells])
    return _table(rows)


def _found(results: Results, environment: str, consumer: matrix.Consumer) -> Mapping[str, Any]:
    """Returns a consumer's results by part; empty before the first run."""
    return results.get(environment, {}).get(consumer.module, {}).get("parts", {})


def _cell(found: list[Mapping[str, Any]], notes: list[str]) -> str:
    """Returns the largest difference, or the numbers of the notes if something failed."""
    if not found:
        return _NOT_RUN
    reasons = dict.fromkeys(_reason(result["error"]) for result in found if "error" in result)
    if reasons:
        for reason in reasons:
            if reason not in notes:
                notes.append(reason)
        return "no, " + ", ".join(f"({notes.index(reason) + 1})" for reason in reasons)
    largest = max(result["difference"] for result in found)
    return f"{largest:.0e}" if largest else "0"


def _reason(error: str) -> str:
    """Returns an error as a line of Markdown that is the same on every machine."""
    error = re.sub(r" in binary running on \S+ .*", "", error)  # TensorFlow names the host
    error = re.sub(r"^RuntimeError: (?=[\w.]+Error: )", "", error)  # wraps a subprocess's error
    error = re.sub(r"(__inference_\S+?)_\d+", r"\1", error)  # the numbers differ by run
    return f"``{error[:_REASON_WIDTH]}{'...' * (len(error) > _REASON_WIDTH)}``"


def _title(results: Results, environment: str) -> str:
    for result in results.get(environment, {}).values():
        if versions := result["versions"]:
            tensorflow = versions.get("tensorflow-cpu") or versions["tensorflow"]
            return f"TensorFlow {tensorflow}, hub {versions['tensorflow-hub']}"
    return environment


def _table(rows: list[list[str]]) -> str:
    header, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([header, "|---" * len(rows[0]) + "|", *body])
