"""Batches of texts of similar length, which need little padding.

Example:
    by_length([30, 900, 31, 29], budget=100)  # [[3, 0, 2], [1]]
"""

from collections.abc import Sequence


def by_length(lengths: Sequence[int], *, budget: int) -> list[list[int]]:
    """Splits texts into batches, shortest first; the same lengths always give the same batches.

    Args:
      lengths: length of every text, in bytes.
      budget: largest batch in bytes, padded to its longest text. A longer text is a batch alone.

    Returns:
      The indices of the texts in batches, every index once.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # In this order the new text is the longest.
        if batches and (len(batches[-1]) + 1) * lengths[index] <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
