"""Makes the models of this folder and what the libraries compute with them; not run by the tests.

    python make.py            # transformers 5.24
    python make.py --answers  # then transformers 4.57, whose pipeline answers

`tokenizer/tokenizer.json` is what `tests.support.tokenizers.write("v5_lower1_keep0", ...)` writes.
"""

import json
import pathlib
import sys

import torch
import transformers

ROOT = pathlib.Path(__file__).parent
TEXTS = [*json.loads((ROOT.parent / "tokenizers" / "strings.json").read_text())["real"]][:24]
TEXTS += [
    "a",
    "The river rose slowly.",
    " two  spaces ",
    "Barack Obama was born in Honolulu, Hawaii.",
]
PAIRS = [(TEXTS[i], TEXTS[-1 - i] * (1 + i % 4)) for i in range(10)]
QUESTIONS = ["Who?", "Where was he born?", "What did the river do?", "Wo liegt die Br\u00fccke?"]
CONTEXTS = [
    (QUESTIONS[i % 4], " ".join(TEXTS[j] for j in range(i, i + 1 + i % 9))) for i in range(20)
]
MASKED = [f"{text[:20]} [MASK] it" for text in TEXTS]
LENGTH, ANSWER_LENGTH, STRIDE = 48, 96, 48
KINDS = {
    "single": ("SequenceClassification", {"id2label": {0: "no", 1: "yes", 2: "maybe"}}),
    "multi": (
        "SequenceClassification",
        {"num_labels": 3, "problem_type": "multi_label_classification"},
    ),
    "regression": ("SequenceClassification", {"num_labels": 1, "problem_type": "regression"}),
    "tag": (
        "TokenClassification",
        {"id2label": {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}},
    ),
    "answer": ("QuestionAnswering", {}),
    "fill_mask": ("MaskedLM", {}),
}


def model(name, vocab_size):
    kind, settings = KINDS[name]
    torch.manual_seed(list(KINDS).index(name))
    config = transformers.AlbertConfig(
        vocab_size=vocab_size,
        embedding_size=8,
        hidden_size=16,
        num_attention_heads=2,
        num_hidden_layers=2,
        intermediate_size=24,
        max_position_embeddings=ANSWER_LENGTH if name == "answer" else LENGTH,
        initializer_range=0.5,
        **settings,
    )
    made = getattr(transformers, f"AlbertFor{kind}")(config).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def main():
    from transformers import pipeline

    tokenizer = transformers.AutoTokenizer.from_pretrained(ROOT / "tokenizer")
    tokenizer.model_max_length = LENGTH
    expected = {"texts": TEXTS, "pairs": PAIRS, "contexts": CONTEXTS, "masked": MASKED}
    cut = {"truncation": True, "max_length": LENGTH}
    for name in KINDS:
        made = model(name, len(tokenizer))
        made.save_pretrained(ROOT / name)
        if name in ("single", "multi", "regression"):
            run = pipeline("text-classification", model=made, tokenizer=tokenizer)
            expected[name] = [run(text, top_k=None, **cut) for text in TEXTS]
            if name == "single":
                pairs = [{"text": first, "text_pair": second} for first, second in PAIRS]
                expected["pairs_of_single"] = [
                    run(pair, top_k=None, return_token_type_ids=True, **cut) for pair in pairs
                ]
        elif name == "tag":
            run = pipeline(
                "token-classification",
                model=made,
                tokenizer=tokenizer,
                aggregation_strategy="simple",
            )
            expected[name] = [
                [{key: _plain(value) for key, value in found.items()} for found in run(text)]
                for text in TEXTS
            ]
        elif name == "fill_mask":
            run = pipeline("fill-mask", model=made, tokenizer=tokenizer)
            expected[name] = [
                [{"token": one["token_str"], "score": one["score"]} for one in run(text)]
                for text in MASKED
            ]
    write(expected)


def answers():
    """The pipeline that answers questions is in transformers 4 only."""
    from transformers import AlbertForQuestionAnswering, AlbertTokenizerFast, pipeline

    expected = json.loads((ROOT / "expected.json").read_text())
    tokenizer = AlbertTokenizerFast(tokenizer_file=str(ROOT / "tokenizer" / "tokenizer.json"))
    made = AlbertForQuestionAnswering.from_pretrained(ROOT / "answer").eval()
    run = pipeline("question-answering", model=made, tokenizer=tokenizer)
    for key, settings in (("answer", {}), ("longer_answers", {"max_answer_len": 30})):
        expected[key] = [
            run(
                question=question,
                context=context,
                max_seq_len=ANSWER_LENGTH,
                doc_stride=STRIDE,
                **settings,
            )
            for question, context in CONTEXTS
        ]
    write(expected)


def _plain(value):
    return value.item() if hasattr(value, "item") else value


def write(expected):
    expected["versions"] = sorted({*expected.get("versions", ()), transformers.__version__})
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (ROOT / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    answers() if "--answers" in sys.argv else main()
