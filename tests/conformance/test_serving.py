"""The artifacts as TensorFlow Serving uses them: signatures, sessions, threads, warm-up."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from configs import hub_api
from export.artifacts import hub_module
from export.metadata import checksums, warmup_requests
from tests.support import processes, sampling

_CLI = "tensorflow.python.tools.saved_model_cli"


def _inputs(generator, names=hub_api.ENCODER_INPUTS):
    batch, length = generator.integers(1, 6), generator.integers(2, 24)
    lengths = generator.integers(1, length + 1, [batch, 1])
    arrays = {
        hub_api.INPUT_WORD_IDS: generator.integers(0, 30000, [batch, length]),
        hub_api.INPUT_MASK: np.arange(length) < lengths,
        hub_api.INPUT_TYPE_IDS: generator.integers(0, 2, [batch, length]),
        hub_api.MASKED_LM_POSITIONS: generator.integers(0, length, [batch, 3]),
    }
    return {name: arrays[name].astype(np.int32) for name in names}


def test_saved_model_cli_shows_the_signatures(tiny_encoder, tmp_path):
    done = processes.run(
        _CLI, "show", "--dir", tiny_encoder, "--tag_set", "serve", "--all", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for name in ("serving_default", "mlm", "unpadded"):
        assert f"signature_def['{name}']" in done.stdout
    for name in (*hub_api.MLM_INPUTS, "pooled_output", "sequence_output", "mlm_logits"):
        assert f"['{name}'] tensor_info" in done.stdout
    assert "encoder_outputs" not in done.stdout.split("Concrete Functions")[0]


def test_saved_model_cli_runs_a_signature(tiny_encoder, loaded_encoder, tmp_path):
    inputs = _inputs(np.random.default_rng(0))
    np.savez(tmp_path / "inputs.npz", **inputs)
    given = ";".join(f"{name}={tmp_path}/inputs.npz[{name}]" for name in inputs)
    arguments = ["--tag_set", "serve", "--signature_def", "serving_default", "--inputs", given]
    done = processes.run(
        _CLI, "run", "--dir", tiny_encoder, *arguments, "--outdir", tmp_path, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    expected = loaded_encoder({name: tf.constant(a) for name, a in inputs.items()})
    for name in ("pooled_output", "sequence_output"):
        got = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(got, expected[name], atol=1e-6, rtol=0)


@pytest.mark.stress
@pytest.mark.parametrize("name", ["serving_default", "unpadded", "mlm"])
def test_a_session_serves_mixed_shapes_to_many_threads(tiny_encoder, name):
    root = hub.load(str(tiny_encoder))
    call = {"serving_default": root, "unpadded": root.unpadded, "mlm": root.mlm}[name]
    names = hub_api.MLM_INPUTS if name == "mlm" else hub_api.ENCODER_INPUTS
    # TensorFlow would optimize the loaded object anew for every shape.
    call = tf.function(call, input_signature=[hub_module.specs(names)])
    generator = np.random.default_rng(1)
    requests = [_inputs(generator, names) for _ in range(64)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(tiny_encoder))
        signature = meta_graph.signature_def[name]
        assert signature.method_name == "tensorflow/serving/predict"
        fetches = {key: info.name for key, info in signature.outputs.items()}

        def serve(request):
            feed = {signature.inputs[key].name: array for key, array in request.items()}
            return session.run(fetches, feed)

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            responses = list(threads.map(serve, requests))
    for request, response in zip(requests, responses, strict=True):
        expected = call({key: tf.constant(array) for key, array in request.items()})
        for key, array in response.items():
            np.testing.assert_allclose(array, expected[key], atol=1e-5, rtol=0, err_msg=key)


def test_a_session_serves_the_preprocessor(tiny_preprocessor):
    sentences = ["Hello TensorFlow!", "", "Café"]
    expected = hub.load(str(tiny_preprocessor))(tf.constant(sentences))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(tiny_preprocessor))
        signature = meta_graph.signature_def["serving_default"]
        fetches = {key: info.name for key, info in signature.outputs.items()}
        got = session.run(fetches, {signature.inputs[hub_api.SENTENCES].name: sentences})
    assert set(got) == set(hub_api.ENCODER_INPUTS)
    for name, ids in got.items():
        np.testing.assert_array_equal(ids, expected[name])


def _joined(requests):
    """Returns requests as one, as Serving's batching joins them.

    With `pad_variable_length_inputs` it pads a tensor with the tensor's first element:
    https://github.com/tensorflow/serving/issues/1279.
    """
    length = max(array.shape[1] for request in requests for array in request.values())
    return {
        name: np.concatenate(
            [
                np.pad(
                    r[name],
                    [(0, 0), (0, length - r[name].shape[1])],
                    constant_values=r[name].flat[0],
                )
                for r in requests
            ]
        )
        for name in requests[0]
    }


def _row(num_tokens, length):
    """Returns a row of that many tokens, padded to a length."""
    mask = (np.arange(length) < num_tokens).astype(np.int32)[np.newaxis]
    arrays = ((np.arange(length)[np.newaxis] + 2) * mask, mask, 0 * mask)
    return {k: a.astype(np.int32) for k, a in zip(hub_api.ENCODER_INPUTS, arrays, strict=True)}


def test_rows_that_the_client_pads_to_one_length_may_be_joined(loaded_encoder):
    unpadded = loaded_encoder.signatures["unpadded"]

    def pooled(request):
        return unpadded(**{k: tf.constant(v) for k, v in request.items()})["pooled_output"].numpy()

    counts = (3, 17, 9)
    alone = np.concatenate([pooled(_row(count, count)) for count in counts])
    joined = pooled(_joined([_row(count, 24) for count in counts]))
    np.testing.assert_allclose(joined, alone, atol=1e-5, rtol=0)
    # What docs/how-to/serve.md warns of: padding becomes tokens.
    wrong = pooled(_joined([_row(count, count) for count in counts]))
    np.testing.assert_allclose(wrong[1], alone[1], atol=1e-5, rtol=0)  # the longest
    assert (np.abs(wrong - alone).max(axis=1)[[0, 2]] > 5e-4).all()


def _prediction_log():
    """Returns the class of TensorFlow Serving's message, as far as warm-up requests use it."""
    file = descriptor_pb2.FileDescriptorProto(name="warmup.proto", package="test", syntax="proto3")
    file.dependency.append("tensorflow/core/framework/tensor.proto")
    field = descriptor_pb2.FieldDescriptorProto

    def message(name, *fields):
        proto = file.message_type.add(name=name)
        for label, number, kind in fields:
            is_message = kind != "string"
            proto.field.add(
                name=label,
                number=number,
                label=field.LABEL_REPEATED if label == "inputs" else field.LABEL_OPTIONAL,
                type=field.TYPE_MESSAGE if is_message else field.TYPE_STRING,
                type_name=kind if is_message else None,
            )

    message("ModelSpec", ("name", 1, "string"), ("signature_name", 3, "string"))
    message("Input", ("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto"))
    message("PredictRequest", ("model_spec", 1, ".test.ModelSpec"), ("inputs", 2, ".test.Input"))
    message("PredictLog", ("request", 1, ".test.PredictRequest"))
    message("PredictionLog", ("predict_log", 6, ".test.PredictLog"))
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.PredictionLog"))


@pytest.fixture(scope="module")
def prediction_log():
    return _prediction_log()


@sampling.parametrize(
    "module", ["export.encoder", "export.preprocessor"], sample=["export.encoder"]
)
@pytest.mark.stress
def test_warmup_requests_run_on_every_signature(module, prediction_log, tmp_path):
    arguments = ["--config", "tiny"] if module == "export.encoder" else []
    directory = processes.export(module, *arguments, "--serving_warmup", cwd=tmp_path)
    assert checksums.problems(str(directory)) == []
    signatures = hub.load(str(directory)).signatures
    asked = set()
    for record in tf.data.TFRecordDataset(str(directory / warmup_requests.FILE)):
        log = prediction_log.FromString(record.numpy())
        request = log.predict_log.request
        inputs = {i.key: tf.constant(tf.make_ndarray(i.value)) for i in request.inputs}
        name = request.model_spec.signature_name
        outputs = signatures[name](**inputs)
        asked.add((name, next(iter(outputs.values())).shape[0]))
        # Nothing is in the record that the message above does not know.
        log.DiscardUnknownFields()
        assert len(log.SerializeToString()) == len(record.numpy())
    assert asked == {(name, rows) for name in signatures for rows in (1, 8)}


def test_there_are_no_warmup_requests_unless_asked_for(tiny_encoder):
    assert not (tiny_encoder / warmup_requests.FILE).exists()
