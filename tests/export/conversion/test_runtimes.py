"""LiteRT and OpenVINO compute what the NumPy oracle does, and refuse what the SavedModel does."""

import dataclasses
import tempfile

import numpy as np
import pytest

from configs import errors, hub_api
from export import api
from export.conversion import formats
from export.conversion import source as sources
from export.metadata import manifest
from tests.conformance import table
from tests.support import sampling

_CASES = tuple(case for case in table.CASES if case.artifact.compute_dtype == "float32")
_BFLOAT16 = next(a for a in table.ARTIFACTS if a.compute_dtype == "bfloat16")
_PACKAGES = {"litert": "ai_edge_litert", "openvino": "openvino"}
_BY_FORMAT = [(name, case) for name in _PACKAGES for case in _CASES]


def _implementation(name):
    pytest.importorskip(_PACKAGES[name], reason=f"the extra {name} is not installed")
    return formats.FORMATS[name].implementation()


def _source(artifact, **changes):
    variables = {}
    root = table.load(artifact)
    for part in (root, *(getattr(root, head) for head in artifact.heads)):
        variables |= {table.name_of(variable): variable.numpy() for variable in part.variables}
    made = sources.Source(
        directory=table.directory(artifact),
        config=artifact.config,
        variables=variables,
        heads=artifact.task_heads,
        manifest=changes,
    )
    vars(made)["root"] = root  # that with random variables
    return made


@sampling.parametrize(
    ("name", "case"),
    _BY_FORMAT,
    # LiteRT's converter takes two seconds for each; the command below has compared a file of it.
    sample=[
        ("openvino", case) for case in _CASES if str(case) == "erf_no_projection_no_mlm-encoder"
    ],
    ids=str,
)
def test_every_signature_computes_what_the_oracle_does(name, case, tmp_path):
    implementation = _implementation(name)
    source = _source(case.artifact)
    signature = source.signatures[case.path or hub_api.SERVING_DEFAULT]
    implementation.write(str(tmp_path), source=source, signatures=[signature], quantize="none")
    inputs = {key: tensor.numpy() for key, tensor in case.inputs().items()}
    got = implementation.load(str(tmp_path), signature.name)(inputs)
    expected = case.expected(table.tensors(table.shared(case)))
    assert set(got) >= set(signature.outputs)
    for key in signature.outputs:
        np.testing.assert_allclose(got[key], expected[key], atol=1e-5, rtol=1e-5, err_msg=key)


def _refused(run, inputs):
    with pytest.raises((RuntimeError, ValueError)):
        run(inputs)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("litert", hub_api.SERVING_DEFAULT),
        ("openvino", hub_api.SERVING_DEFAULT),
        ("openvino", hub_api.UNPADDED),
        ("openvino", hub_api.MLM),
    ],
)
def test_a_runtime_refuses_what_the_saved_model_refuses_and_then_computes_the_same(
    name, signature, request, tiny_encoder
):
    directory = request.getfixturevalue(f"tiny_{name}")
    run = _implementation(name).load(str(directory), signature)
    config = manifest.read(str(tiny_encoder))["config"]
    names = hub_api.MLM_INPUTS if signature == hub_api.MLM else hub_api.ENCODER_INPUTS
    good = {key: np.ones([2, 4], np.int32) for key in names}
    before = {key: np.ones([3, 5], np.int32) for key in names}
    too_long = config["max_position_embeddings"] + 1
    bad = [
        {hub_api.INPUT_WORD_IDS: np.full([2, 4], -1, np.int32)},
        {hub_api.INPUT_WORD_IDS: np.full([2, 4], config["vocab_size"], np.int32)},
        {hub_api.INPUT_TYPE_IDS: np.full([2, 4], -1, np.int32)},
        {hub_api.INPUT_TYPE_IDS: np.full([2, 4], config["type_vocab_size"], np.int32)},
        {hub_api.INPUT_MASK: np.ones([1, 4], np.int32)},
        {key: np.ones([2, too_long], np.int32) for key in hub_api.ENCODER_INPUTS},
    ]
    if name == "openvino":  # LiteRT takes any mask with as many values
        bad.append({hub_api.INPUT_MASK: np.ones([4, 2], np.int32)})
    if signature == hub_api.MLM:
        positions = (np.full([2, 4], -1), np.full([2, 4], 4), np.ones([3, 4]))
        bad += [{hub_api.MASKED_LM_POSITIONS: one.astype(np.int32)} for one in positions]
    expected = [run(inputs)[hub_api.POOLED_OUTPUT].copy() for inputs in (good, before)]
    for change in bad:
        for _ in range(2):  # a runtime may let the second pass
            _refused(run, good | change)
        # Sizes from before the error first, which a runtime may take for unchanged.
        for inputs, vectors in zip(
            (before, good, before), (*expected[::-1], expected[1]), strict=True
        ):
            np.testing.assert_array_equal(run(inputs)[hub_api.POOLED_OUTPUT], vectors)


@sampling.parametrize(
    "signature",
    [hub_api.SERVING_DEFAULT, hub_api.UNPADDED, hub_api.MLM],
    sample=[hub_api.MLM],
)
def test_openvino_takes_a_batch_without_rows(signature, request):
    run = _implementation("openvino").load(str(request.getfixturevalue("tiny_openvino")), signature)
    names = hub_api.MLM_INPUTS if signature == hub_api.MLM else hub_api.ENCODER_INPUTS
    outputs = run({key: np.ones([0, 4], np.int32) for key in names})
    assert outputs[hub_api.SEQUENCE_OUTPUT].shape[:2] == (0, 4)
    assert len(run({key: np.ones([2, 4], np.int32) for key in names})[hub_api.POOLED_OUTPUT]) == 2


@pytest.mark.stress
def test_litert_takes_a_batch_without_rows_where_the_documents_say_so(tiny_encoder, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    path = api.convert(
        str(tiny_encoder), to="litert", signatures=["unpadded", "mlm"], export_dir=str(tmp_path)
    )

    def run(name, batches, resolver):
        model = interpreter.Interpreter(
            f"{path}/{name}.tflite", experimental_op_resolver_type=resolver
        )
        names = hub_api.MLM_INPUTS if name == hub_api.MLM else hub_api.ENCODER_INPUTS
        for rows in batches:
            inputs = {key: np.ones([rows, 4], np.int32) for key in names}
            outputs = model.get_signature_runner(name)(**inputs)
        return outputs[hub_api.SEQUENCE_OUTPUT].shape[:2]

    usual = interpreter.OpResolverType.AUTO
    without_xnnpack = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    assert run(hub_api.UNPADDED, [2, 0], without_xnnpack) == (0, 4)
    with pytest.raises(RuntimeError, match="XNNPack delegate failed"):
        run(hub_api.UNPADDED, [0], usual)
    assert run(hub_api.MLM, [0, 2], usual) == (2, 4)
    with pytest.raises((RuntimeError, ValueError), match="Invalid tensor size"):
        run(hub_api.MLM, [2, 0], usual)


_PUBLISHED = [
    ("litert", {"model.tflite"}, {"tensorflow", "ai-edge-litert"}),
    (
        "openvino",
        {f"{name}.{end}" for name in ("model", "mlm", "unpadded") for end in ("xml", "bin")},
        {"onnx", "openvino"},
    ),
]


@sampling.parametrize(("name", "files", "packages"), _PUBLISHED, sample=_PUBLISHED[:1])
def test_the_command_publishes_what_verify_accepts(name, files, packages, request, tiny_encoder):
    directory = request.getfixturevalue(f"tiny_{name}")
    assert directory.parts[-3:] == ("exports", f"{tiny_encoder.parent.name}-{name}", "1")
    assert {path.name for path in directory.iterdir()} == {*files, "assets", "assets.extra"}
    content = manifest.read(str(directory))
    assert set(content["sizes"]) == files
    assert set(content["runtime"]) == packages
    measured = content["compared"]["signatures"]["serving_default"]["pooled_output"]
    assert measured["largest_difference"] < 1e-5
    assert not api.verify(str(directory), source=str(tiny_encoder)).problems


@sampling.parametrize(
    ("name", "quantize", "most"),
    [
        ("litert", "int8", 0.29),
        ("litert", "float16", 0.53),
        ("openvino", "int8", 0.33),
        ("openvino", "float16", 0.51),
    ],
    sample=[("openvino", "int8", 0.33)],
)
def test_quantized_files_are_small_and_close(name, quantize, most, request, tiny_encoder, tmp_path):
    directory = request.getfixturevalue(f"tiny_{name}")
    path = api.convert(str(tiny_encoder), to=name, quantize=quantize, export_dir=str(tmp_path))
    largest = {"litert": "model.tflite", "openvino": "model.bin"}[name]
    sizes = [manifest.read(str(one))["sizes"][largest] for one in (path, directory)]
    assert sizes[0] < most * sizes[1]
    cosine = manifest.read(path)["compared"]["signatures"]["serving_default"]["sequence_output"]
    assert 0.999 < cosine["smallest_cosine"] <= 1
    assert cosine["largest_difference"] > 1e-4


def test_litert_says_that_tensorflow_does_not_find_the_temporary_folder(
    tiny_encoder, tmp_path, monkeypatch
):
    implementation = _implementation("litert")
    (tmp_path / "a [1]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a [1]"))
    source = sources.open(str(tiny_encoder))
    signatures = [source.signatures[hub_api.SERVING_DEFAULT]]
    with pytest.raises(errors.DestinationError, match=r"\(TMPDIR\) must not have '\['"):
        implementation.write(str(tmp_path), source=source, signatures=signatures, quantize="none")


@pytest.mark.stress
def test_litert_says_what_it_cannot_convert(tmp_path):
    implementation = _implementation("litert")

    def refused(message, source):
        signatures = [source.signatures[hub_api.SERVING_DEFAULT]]
        with pytest.raises(errors.InputError, match=message):
            implementation.write(
                str(tmp_path), source=source, signatures=signatures, quantize="none"
            )

    known = _source(_BFLOAT16, compute_dtype="bfloat16")
    refused("export it again with --compute_dtype float32", known)
    refused(
        "cannot convert serving_default of .*'tf.MatMul' op",
        dataclasses.replace(known, manifest={}),
    )
