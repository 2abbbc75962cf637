"""transformers' own pipelines over a checkpoint's model and tokenizer, one text at a time.

Example:
    run = transformers_pipelines.Pipelines(model, tokenizer_json=content, max_seq_length=512)
    run.scores("some text")  # by the labels' order

There is none that answers questions in transformers 5.
"""

import os
import tempfile
from typing import Any

import numpy as np

_NUM_TOKENS = 16


class Pipelines:
    """Runs pipelines."""

    def __init__(self, model: Any, *, tokenizer_json: str, max_seq_length: int) -> None:
        """Takes what they are made of.

        Args:
          model: of transformers.
          tokenizer_json: the content of its tokenizer.json.
          max_seq_length: tokens after which a text is cut, special tokens included.
        """
        import transformers

        transformers.utils.logging.set_verbosity_error()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokenizer.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(tokenizer_json)
            # Does what the file says, in every version.
            tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=path)
        tokens = tokenizer.get_vocab()
        names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
        for attribute, name in {**names, "pad_token": "<pad>", "unk_token": "<unk>"}.items():
            if name in tokens and getattr(tokenizer, attribute) is None:
                setattr(tokenizer, attribute, name)
        tokenizer.model_max_length = max_seq_length
        self._model, self._tokenizer = model, tokenizer
        self._cut = {"truncation": True, "max_length": max_seq_length}
        self._made: dict[str, Any] = {}

    def scores(self, first: str, second: str | None = None) -> np.ndarray:
        """Returns the scores [C] of a text's labels, or a pair's."""
        run = self._pipeline("text-classification")
        if second is None:
            found = run(first, top_k=None, **self._cut)
        else:
            pair = {"text": first, "text_pair": second}
            # Without being asked, transformers 5 gives both texts type 0.
            found = run(pair, top_k=None, return_token_type_ids=True, **self._cut)
        by_label = {one["label"]: one["score"] for one in found}
        names = self._model.config.id2label
        return np.array([by_label[names[number]] for number in range(len(names))])

    def entities(self, text: str) -> list[tuple[str, float, int, int]]:
        """Returns label, score, start and end, in characters, of each entity."""
        run = self._pipeline("token-classification", aggregation_strategy="simple")
        return [
            (one["entity_group"], float(one["score"]), one["start"], one["end"])
            for one in run(text)
        ]

    def words(self, text: str) -> list[tuple[str, float]]:
        """Returns the words for the mask of a text, and their scores, from the best on."""
        run = self._pipeline("fill-mask", top_k=_NUM_TOKENS)
        return [(one["token_str"], float(one["score"])) for one in run(text)]

    def _pipeline(self, task: str, **options: Any) -> Any:
        import transformers

        if task not in self._made:
            self._made[task] = transformers.pipeline(
                task, model=self._model, tokenizer=self._tokenizer, device="cpu", **options
            )
        return self._made[task]
