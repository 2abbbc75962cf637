"""A bar on a terminal, few plain lines in a log."""

import io
import re

from export.cli import progress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _run(stream, steps=100):
    with progress.Progress("reading", total=steps, stream=stream) as bar:
        for _ in range(steps):
            bar.advance(1)
    return stream.getvalue()


def test_a_log_gets_few_plain_lines():
    assert _run(io.StringIO()).splitlines() == [
        "reading: 0%",
        "reading: 25%",
        "reading: 50%",
        "reading: 75%",
        "reading: 100%",
    ]


def test_a_terminal_gets_one_line_that_is_drawn_again(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    text = _run(_Terminal())
    assert text.count("\n") == 1
    shown = re.findall(r"reading [^\r\n]*?(\d+)%", text)
    assert shown[0] == "0" and shown[-1] == "100"
    assert text.count("\r") >= len(shown) - 1


def test_no_work_is_no_division_by_zero():
    assert _run(io.StringIO(), steps=0) == "reading: 0%\n"
