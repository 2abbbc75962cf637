"""Batches of texts of similar length: what is padded to the longest costs little then.

Example:
    by_length([30, 900, 31, 29], budget=100)  # [[3, 0, 2], [1]]
"""

from collections.abc import Sequence


def by_length(lengths: Sequence[int], *, budget: int) -> list[list[int]]:
    """Splits texts into batches, shortest first; the same lengths always give the same batches.

    Args:
      lengths: of every text, in bytes.
      budget: bytes of a batch at most, every text counted as long as the longest; a text that is
        longer is a batch of its own.

    Returns:
      The texts' indices in batches; every index once.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # In this order the new text is the longest.
        if batches and (len(batches[-1]) + 1) * lengths[index] <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
