"""Writes Hugging Face's ALBERT with random weights, its tokenizer, and the model as ONNX.

python -m benchmarks.peers.workers.prepare_hugging_face CONFIG_JSON SP_MODEL_FILE DIRECTORY
"""

import json
import os
import shutil
import sys

import torch
import transformers

# Fields with the same name in both.
_FIELDS = """
    vocab_size embedding_size hidden_size num_hidden_layers num_hidden_groups inner_group_num
    num_attention_heads intermediate_size max_position_embeddings type_vocab_size
    hidden_dropout_prob attention_probs_dropout_prob initializer_range layer_norm_eps
"""


def main() -> None:
    config_path, sp_model_file, directory = sys.argv[1:]
    with open(config_path, encoding="utf-8") as file:
        ours = json.load(file)
    config = transformers.AlbertConfig(
        # The function of the checkpoints' "gelu_new", but faster, because it is one operation.
        hidden_act="gelu_pytorch_tanh",
        **{name: ours[name] for name in _FIELDS.split()},
    )
    torch.manual_seed(0)
    model = transformers.AlbertModel(config).eval()
    model.save_pretrained(directory)
    shutil.copyfile(sp_model_file, os.path.join(directory, "spiece.model"))
    tokenizer = transformers.AlbertTokenizerFast.from_pretrained(directory)
    tokenizer.save_pretrained(directory)
    classifier = transformers.AlbertForSequenceClassification(config)
    classifier.save_pretrained(os.path.join(directory, "classifier"))
    tokenizer.save_pretrained(os.path.join(directory, "classifier"))
    _write_onnx(model, os.path.join(directory, "model.onnx"))


class _AsTuple(torch.nn.Module):
    """The model with positional inputs and outputs, for ONNX."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )
        return outputs.last_hidden_state, outputs.pooler_output


def _write_onnx(model: torch.nn.Module, path: str) -> None:
    ids = torch.randint(5, 1000, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=512)}
    torch.onnx.export(
        _AsTuple(model),
        (ids, mask, torch.zeros_like(ids)),
        path,
        input_names=["input_ids", "attention_mask", "token_type_ids"],
        output_names=["last_hidden_state", "pooler_output"],
        dynamic_shapes=(axes, axes, axes),
        dynamo=True,
        opset_version=20,  # the first opset with Gelu
        external_data=False,
    )


if __name__ == "__main__":
    main()
