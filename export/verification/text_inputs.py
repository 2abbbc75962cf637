"""The texts on which a text model is compared with its source: a built-in set, or a file's.

Example:
    for text in text_inputs.read("texts.txt", task="classify", mask="[MASK]"): ...
"""

import dataclasses
from collections.abc import Sequence

from configs import errors, head_config
from export.artifacts import text_model_spec

# Languages, and not look-alikes by mistake.
# ruff: noqa: RUF001
_TEXTS = (
    "",
    "a",
    " two  spaces\tand a tab ",
    "The river rose slowly, and the café closed early.",
    "Barack Obama was born in Honolulu, Hawaii, on 4 August 1961.",
    'He said, "I paid 3,000," and left for the U.S.A. in 2,004.',
    "Der Fluß stieg langsam; die Brücke über die Düssel war gesperrt.",
    "L'été dernier, nous avons visité l'église Saint-Étienne à Paris.",
    "El niño comió una manzana en el jardín de Málaga.",
    "Река медленно поднималась, и кафе закрылось рано.",
    "Ο ποταμός ανέβηκε αργά στην Αθήνα.",
    "هطل المطر على القاهرة صباح اليوم.",
    "नदी धीरे-धीरे बढ़ी और पुल बंद हो गया।",
    "川はゆっくりと増水し、東京の橋は閉鎖された。",
    "河水慢慢上涨，北京的咖啡馆提早关门。",
    "강물이 천천히 불어나 서울의 다리가 닫혔다.",
    "Naïve Zoë’s résumé — ½ off №5 ﬁne 😀👍🏽!",
    "[CLS] a literal token [SEP] in a text",
    "x" * 300,
    "The river rose slowly over the old stone bridge near the mill. " * 60,
)
_SECONDS = (
    "A second text.",
    "The bridge near the mill was closed all day, and nobody crossed it. " * 40,
    "",
)
_QUESTIONS = ("Who?", "What rose slowly?", "Wo liegt die Brücke?", "where was he born")
_MASKED = (
    "[MASK]",
    "The river [MASK] slowly.",
    "[MASK] said that he paid 3,000.",
    "Der Fluß stieg [MASK] an.",
    "La capitale de la France est [MASK] .",
    "Столица России [MASK].",
    "河水[MASK]上涨。",
    "नदी [MASK] बढ़ी",
    "a naïve [MASK], and a café",
)


@dataclasses.dataclass(frozen=True)
class Text:
    """A text that is compared.

    Attributes:
      first: the text, the first of a pair, or a question.
      second: the second of a pair, or a question's context; None for a text alone.
    """

    first: str
    second: str | None = None

    def __str__(self) -> str:
        return self.first if self.second is None else f"{self.first}\t{self.second}"


def built_in(task: str, *, mask: str) -> tuple[Text, ...]:
    """Returns texts in several languages, long and empty ones, for a task.

    Args:
      task: one of `text_model_spec.TASKS`.
      mask: the mask token's text.
    """
    if task == text_model_spec.FILL_MASK:
        return tuple(Text(text.replace("[MASK]", mask)) for text in _MASKED)
    if task == head_config.ANSWER:
        return tuple(Text(_QUESTIONS[i % 4], context) for i, context in enumerate(_TEXTS))
    alone = tuple(map(Text, _TEXTS))
    if task != head_config.CLASSIFY:
        return alone
    chosen = (*_TEXTS[:6], _TEXTS[-1])
    return (*alone, *(Text(first, second) for first in chosen for second in _SECONDS))


def read(path: str, *, task: str, mask: str) -> tuple[Text, ...]:
    """Returns the texts of a file, one a line; of a pair, or of an answer, two with a tab between.

    Args:
      path: the file, UTF-8.
      task: one of `text_model_spec.TASKS`.
      mask: the mask token's text, of which each text of `fill_mask` has one.

    Raises:
      errors.InputError: it cannot be read, or has no text, or a line is not for the task.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InputError(f"--texts {path!r} cannot be read: {error}") from error
    if lines == [""]:
        raise errors.InputError(f"--texts {path!r} has no text")
    parts = [_parts(line.removesuffix("\r"), task) for line in lines]
    problems = [f"line {n} {why}" for n, why in enumerate(_problems(parts, task, mask), 1) if why]
    if problems:
        raise errors.InputError(errors.listing(f"--texts {path!r} is not for {task}", problems))
    return tuple(Text(*part) for part in parts)


def _parts(line: str, task: str) -> Sequence[str]:
    return line.split("\t") if task in (head_config.CLASSIFY, head_config.ANSWER) else [line]


def _problems(parts: Sequence[Sequence[str]], task: str, mask: str) -> list[str | None]:
    """Returns what is wrong with each line; None where nothing is."""
    if task == head_config.ANSWER:
        return [None if len(p) == 2 else "is not a question, a tab and a context" for p in parts]
    if task == head_config.CLASSIFY:
        return [None if len(p) <= 2 else "has more than two texts" for p in parts]
    if task == text_model_spec.FILL_MASK:
        return [None if p[0].count(mask) == 1 else f"has not exactly one {mask}" for p in parts]
    return [None] * len(parts)
