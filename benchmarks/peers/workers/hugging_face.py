"""Hugging Face's ALBERT on torch, with its default attention."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
import torch._inductor.config
import transformers

from benchmarks.peers.workers import model

torch.set_num_threads(model.NUM_THREADS)
torch.set_num_interop_threads(1)

_NAMES = {
    model.INPUT_WORD_IDS: "input_ids",
    model.INPUT_MASK: "attention_mask",
    model.INPUT_TYPE_IDS: "token_type_ids",
}


class HuggingFace:
    """A model for inference, and on first use another for training.

    For bfloat16, inference has bfloat16 weights, which is fastest. Training has float32 weights and
    computes under autocast, as is usual. int8 is torch's dynamic quantization of linear layers.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._directory = options["model"]
        is_int8 = options["dtype"] == "int8"
        self._dtype = torch.float32 if is_int8 else getattr(torch, options["dtype"])
        self._model = self._load(self._dtype).eval()
        if is_int8:
            self._model = torch.ao.quantization.quantize_dynamic(
                self._model, {torch.nn.Linear}, dtype=torch.qint8
            )
        if "compiled" in options:
            # Weights become constants, as in the other runtimes.
            torch._inductor.config.freezing = True
            self._model = torch.compile(self._model, dynamic=False)

    def infer(self, batch: model.Batch, padding: str) -> model.Call:
        inputs = _tensors(model.cut(batch, padding))
        return lambda: self._run(inputs)

    def embed(self, texts: list[str]) -> model.Call:
        tokenizer = model.tokenizer(self._directory)

        def run() -> list[Any]:
            return [
                self._run(_tensors(batch)).pooler_output.float().numpy()
                for batch in model.batches_of_texts(tokenizer, texts)
            ]

        return run

    def classify(self, texts: list[str]) -> model.Call:
        classify = transformers.pipeline(
            "text-classification",
            os.path.join(self._directory, "classifier"),
            dtype=self._dtype,
            device="cpu",
            batch_size=model.TEXTS_PER_BATCH,
        )
        return lambda: classify(texts, truncation=True)

    def train(self, batch: model.Batch, padding: str) -> model.Call:
        inputs = _tensors(model.cut(batch, padding))
        trained = self._trained
        optimizer = torch.optim.SGD(trained.parameters(), lr=model.LEARNING_RATE)

        def run() -> float:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=self._dtype == torch.bfloat16):
                pooled = trained(**inputs).pooler_output
            loss = pooled.float().square().mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        return run

    @cached_property
    def _trained(self) -> Any:
        return self._load(torch.float32).train()

    def _load(self, dtype: Any) -> Any:
        return transformers.AlbertModel.from_pretrained(self._directory, dtype=dtype)

    def _run(self, inputs: Mapping[str, Any]) -> Any:
        with torch.inference_mode():
            return self._model(**inputs)


make = HuggingFace


def _tensors(batch: model.Batch) -> dict[str, Any]:
    return {_NAMES[name]: torch.tensor(values, dtype=torch.long) for name, values in batch.items()}
