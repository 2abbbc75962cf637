"""`--to huggingface` gives back what transformers wrote; its tokenizer has the same ids."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
import tokenizers as library

from configs import errors, head_config, hub_api
from export import api
from export.artifacts import tokenizer_choice
from export.checkpoints import mapping, opening, restore
from export.conversion import source as sources
from export.conversion import tokenizer_texts
from export.conversion.hugging_face import folder, model_class, tokenizer_json_content
from export.metadata import checksums, manifest
from export.verification import numpy_albert
from tests.conformance import table
from tests.support import checkpoints, golden, head_cases, processes, shared_run, tokenizers

# Keys of a config that say who wrote it, that nothing reads, or that a tokenizer says.
_OTHERS = {"pad_token_id", "bos_token_id", "eos_token_id"}
_OTHERS |= {"transformers_version", "torch_dtype", "dtype", "use_cache", "position_embedding_type"}
_OTHERS |= {"gap_size", "net_structure_type", "num_memory_blocks", "down_scale_factor"}
_HEADS = [case.location for name, case in head_cases.CASES.items() if name.startswith("hf_")]


def _source(location):
    """Returns a checkpoint as the source of a conversion, as if it had been exported."""
    checkpoint = opening.open(str(location))
    return sources.Source(
        directory="exported",
        config=checkpoint.config,
        variables=restore.read(checkpoint, config=checkpoint.config),
        heads=checkpoint.heads,
        manifest={},
    )


def _made(*, without=(), heads=(), **changes):
    """Returns a source with random weights, but without those of some scopes."""
    generator = np.random.default_rng(0)
    config = dataclasses.replace(table.TINY, **changes)
    variables = {
        entry.variable: generator.normal(size=entry.shape).astype(np.float32)
        for entry in mapping.entries(config, heads=heads)
        if not entry.variable.startswith(("none", *without))
    }
    return sources.Source(
        directory="exported", config=config, variables=variables, heads=heads, manifest={}
    )


def _write(source, directory, *names):
    return folder.write(str(directory), source=source, signatures=names, preprocessor=None)


@pytest.fixture(scope="session")
def converted(golden_root):
    """Returns the golden model in the format, by the commands, and the encoder beside it."""

    def make(place):
        encoder = processes.export(
            *("export.encoder", "--checkpoint", golden_root / "tiny" / "hf"),
            *("--model_name", "golden", "--tokenization", "hub", "--lower_case"),
            *("--sp_model_file", golden.VOCABULARY),
            cwd=place,
        )
        return processes.export("export.convert", encoder, "--to", "huggingface", cwd=place)

    return shared_run.once("converted_to_hugging_face", make)


@pytest.mark.parametrize("location", _HEADS, ids=lambda path: pathlib.Path(path).name)
def test_weights_and_config_of_transformers_come_back(location, tmp_path):
    _write(_source(location), tmp_path)
    _assert_equal(pathlib.Path(location), tmp_path)


def test_both_heads_of_pre_training_and_groups_come_back(golden_root, tmp_path):
    for name in ("tiny", "tiny_groups"):
        (tmp_path / name).mkdir()
        written = _write(_source(golden_root / name / "hf"), tmp_path / name)
        assert written.described.model_class.name == "AlbertForPreTraining"
        _assert_equal(golden_root / name / "hf", tmp_path / name)


def _assert_equal(theirs, ours):
    """Compares two folders, the first of which transformers wrote."""
    config, got = (json.loads((place / "config.json").read_text()) for place in (theirs, ours))
    for key in config.keys() - _OTHERS:
        assert got.get(key) == config[key] or config[key] is None, key
    expected = checkpoints.read_safetensors(theirs / "model.safetensors")
    tensors = checkpoints.read_safetensors(ours / "model.safetensors")
    assert tensors.keys() == expected.keys()
    for name, array in expected.items():
        assert tensors[name].shape == array.shape, name
        assert tensors[name].tobytes() == array.tobytes(), name


def test_the_command_publishes_what_verify_accepts(converted):
    names = {path.name for path in converted.iterdir()}
    assert names == {
        *("model.safetensors", "config.json", "assets.extra"),
        *("tokenizer.json", "tokenizer_config.json"),
    }
    modes = {path.stat().st_mode for path in converted.iterdir() if path.is_file()}
    assert len(modes) == 1
    content = manifest.read(str(converted))
    config = json.loads((converted / "config.json").read_text())
    ids = [config[f"{name}_token_id"] for name in ("pad", "bos", "eos")]
    assert ids == [0, 2, 3]
    assert content["architecture"] == "AlbertForPreTraining"
    assert set(content["signatures"]) == {"mlm", "sop"}
    assert content["compared"]["bits_equal"]
    assert content["tokenizer_files"]["compared"] == {
        "texts": 2000,
        "other_ids": 0,
        "example": None,
    }
    assert not api.verify(str(converted)).problems


@pytest.mark.stress
def test_verify_finds_a_changed_bit_and_another_tokenizer(converted, tmp_path):
    models = shutil.copytree(converted.parents[1], tmp_path / "models")
    copy = models.joinpath(*converted.parts[-2:])
    tensors = checkpoints.read_safetensors(copy / "model.safetensors")
    bias = tensors["albert.pooler.bias"].copy()
    bias[:1].view(np.uint32)[:] ^= 1
    checkpoints.write_safetensors(
        copy / "model.safetensors", {**tensors, "albert.pooler.bias": bias}
    )
    content = json.loads((copy / "tokenizer.json").read_text())
    content["normalizer"]["normalizers"].pop(0)
    (copy / "tokenizer.json").write_text(json.dumps(content))
    checksums.write(str(copy))
    weights, ids = api.verify(str(copy)).problems
    assert "pooler_transform/bias has other bits" in weights
    assert "texts have other ids" in ids


def test_labels_and_head_are_written(tmp_path):
    heads = (
        head_config.HeadConfig(kind="tag", labels=("O", "B-ÄÖ")),
        head_config.HeadConfig(
            kind="classify", labels=("a", "b", "c"), problem_type=head_config.MULTI_LABEL
        ),
    )
    source = dataclasses.replace(_made(heads=heads), unused=("dense/kernel",))
    written = _write(source, tmp_path, "classify")
    content = json.loads((tmp_path / "config.json").read_text())
    assert content["architectures"] == ["AlbertForSequenceClassification"]
    assert content["id2label"] == {"0": "a", "1": "b", "2": "c"}
    assert content["label2id"] == {"a": 0, "b": 1, "c": 2}
    assert content["problem_type"] == head_config.MULTI_LABEL
    tensors = checkpoints.read_safetensors(tmp_path / "model.safetensors")
    assert tensors["classifier.weight"].shape == (3, table.TINY.hidden_size)
    np.testing.assert_array_equal(
        tensors["classifier.weight"].T, source.variables["cls/classify/kernel"]
    )
    assert "left out: mlm, sop, tag, which" in written.described.notices[0]
    assert "weights that are not the encoder's: dense/kernel" in written.described.notices[1]


def test_an_output_matrix_of_its_own_brings_its_bias_twice(tmp_path):
    source = _made(tie_word_embeddings=False, without=("cls/seq",))
    _write(source, tmp_path)
    tensors = checkpoints.read_safetensors(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(
        tensors["predictions.decoder.weight"],
        source.variables["cls/predictions/decoder/embeddings"],
    )
    bias = source.variables["cls/predictions/output_bias/bias"]
    for name in ("predictions.bias", "predictions.decoder.bias"):
        np.testing.assert_array_equal(tensors[name], bias)


def test_no_projection_becomes_one_that_changes_nothing(tmp_path):
    changes = {"embedding_size": 8, "embedding_projection": False, "without": ("cls/",)}
    source = _made(**changes)
    written = _write(source, tmp_path)
    assert "is the identity here" in written.described.notices[0]
    rows = np.array([[[2, 5, 9, 3]], [[1, 1, 1, 0]], [[0, 0, 1, 1]]], np.int32)
    inputs = dict(zip(hub_api.ENCODER_INPUTS, rows, strict=True))
    again = _source(tmp_path)
    expected = numpy_albert.encode(source.variables, config=source.config, inputs=inputs)
    got = numpy_albert.encode(again.variables, config=again.config, inputs=inputs)
    for name in (hub_api.SEQUENCE_OUTPUT, hub_api.POOLED_OUTPUT):
        np.testing.assert_array_equal(got[name], expected[name])


def test_what_no_class_has_is_refused():
    def refused(message, source, *names):
        with pytest.raises(errors.InputError, match=message):
            model_class.Description.of(source, model_class.choose(source, names))

    beam = _made(
        heads=(head_config.HeadConfig(kind="answer", is_beam=True),),
        without=("cls/predictions", "cls/seq"),
    )
    refused("by beam, as run_squad_v2's: .* --signature=serving_default", beam)
    heads = (head_config.HeadConfig(kind="answer"), head_config.HeadConfig(kind="choose"))
    refused(
        r"mlm, sop, answer, choose, and no others: .*=serving_default or mlm or mlm,sop or answer",
        _made(heads=heads),
    )
    refused("must be of serving_default, mlm, sop .*got unpadded.mlm", _made(), "unpadded.mlm")
    refused("sop, and no others", _made(), "sop")
    refused(
        "the epsilon of its masked language model is 1e-05", _made(mlm_layer_norm_eps=1e-5), "mlm"
    )
    # In floating point 9 / 18 * 14 is 7, and 9 / (18 / 14), as transformers has it, is below.
    groups = _made(num_hidden_layers=18, num_hidden_groups=14)
    refused("its layers are of the groups .* transformers takes", groups, "mlm")


def test_a_sentencepiece_model_becomes_the_tokenizer_of_transformers_4(tmp_path):
    name = "slow_lower1_keep0"
    tokenizers.write(name, tmp_path)
    spec = tokenizer_choice.resolve(
        tokenizer_choice.Request(tokenization="huggingface"), directories=[str(tmp_path)]
    )
    content = json.dumps(tokenizer_json_content.make(spec))
    made = library.Tokenizer.from_str(content)
    got = [one.ids for one in made.encode_batch(tokenizers.texts(), add_special_tokens=False)]
    assert got == tokenizers.ids(name)
    pair = made.encode("a", "b")
    names = ["[CLS]", "[SEP]"]
    assert [pair.tokens[0], pair.tokens[-1]] == names
    assert pair.type_ids == [0] * 3 + [1] * 2


def test_texts_are_2000_different_ones():
    found = tokenizer_texts.make()
    assert len(set(found)) == len(found) == tokenizer_texts.COUNT


def test_a_tokenizer_with_other_ids_is_left_out_and_said(tiny_encoder, tmp_path):
    lines = []
    path = api.convert(
        str(tiny_encoder),
        to="huggingface",
        signatures=["mlm"],
        export_dir=str(tmp_path),
        log=lines.append,
    )
    assert not (pathlib.Path(path) / "tokenizer.json").exists()
    compared = manifest.read(path)["tokenizer_files"]["compared"]
    assert compared["other_ids"] > 0
    assert f"other ids for {compared['other_ids']} of 2000 texts, such as" in lines[-1]
    assert not api.verify(path, source=str(tiny_encoder)).problems


def test_bad_requests_are_refused_before_anything_is_written(
    tiny_encoder, tiny_classifier, tmp_path
):
    def refused(message, **options):
        with pytest.raises(errors.InputError, match=message):
            api.convert(
                str(tiny_encoder),
                **{"to": "huggingface", "export_dir": str(tmp_path / "exports"), **options},
            )
        assert not (tmp_path / "exports").exists()

    refused("--quantize must be one of none for --to huggingface", quantize="int8")
    refused("--texts is not for --to huggingface", texts="texts")
    refused("--preprocessor is not for --to onnx", to="onnx", preprocessor="preprocessor")
    refused("must be of serving_default, mlm", signatures=["tag"])
    refused("is a encoder", preprocessor=str(tiny_classifier))
    # Before anything is read.
    with pytest.raises(errors.InputError, match="--preprocessor must be the folder"):
        api.convert("no encoder", to="huggingface", preprocessor=str(tmp_path))
