"""Makes the model of this folder and what transformers computes with it; not run by the tests.

    python make.py  # transformers 5.24

Its config is that of `table.EXPLAINED`. The weights are random. `expected.npz` has the inputs, the
attention of every block (`attn_implementation="eager"`, without dropout), the outputs, and the
gradient of `sum(logits * weights)` with respect to `inputs_embeds`.
"""

import pathlib

import numpy as np
import torch
import transformers

ROOT = pathlib.Path(__file__).parent


def model():
    torch.manual_seed(0)
    config = transformers.AlbertConfig(
        vocab_size=100,
        embedding_size=6,
        hidden_size=8,
        num_hidden_layers=2,
        inner_group_num=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=16,
        type_vocab_size=3,
        hidden_act="gelu_new",
        classifier_dropout_prob=0.0,
        initializer_range=0.5,
        id2label={0: "A", 1: "B", 2: "C"},
        attn_implementation="eager",
    )
    made = transformers.AlbertForSequenceClassification(config).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def main():
    made = model()
    made.save_pretrained(ROOT)
    generator = np.random.default_rng(0)
    mask = np.arange(7) < [[7], [4], [2]]
    ids = generator.integers(5, 100, mask.shape) * mask
    types = generator.integers(0, 3, mask.shape)
    weights = generator.standard_normal([3, 3]).astype(np.float32)
    given = {"attention_mask": torch.tensor(mask).long(), "token_type_ids": torch.tensor(types)}
    embeddings = made.get_input_embeddings()(torch.tensor(ids)).detach().requires_grad_()
    outputs = made(
        inputs_embeds=embeddings, output_attentions=True, output_hidden_states=True, **given
    )
    of_ids = made(input_ids=torch.tensor(ids), **given)
    assert torch.equal(of_ids.logits, outputs.logits)
    assert len(outputs.attentions) == 4
    (outputs.logits * torch.tensor(weights)).sum().backward()
    arrays = {
        "attentions": np.stack([one.detach().numpy() for one in outputs.attentions]),
        "gradient": embeddings.grad.numpy(),
        "logits": outputs.logits.detach().numpy(),
        "sequence_output": outputs.hidden_states[-1].detach().numpy(),
        "word_embeddings": embeddings.detach().numpy(),
        "weights": weights,
    }
    inputs = {"input_word_ids": ids, "input_mask": mask, "input_type_ids": types}
    arrays |= {name: array.astype(np.int32) for name, array in inputs.items()}
    np.savez_compressed(ROOT / "expected.npz", **arrays)


if __name__ == "__main__":
    main()
