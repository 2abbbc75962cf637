"""Text models under TensorFlow Serving's rules: requests, the row format of its REST API, batches.

The rules are those of https://www.tensorflow.org/tfx/serving/api_rest and of its batching session,
which joins requests along the first dimension of each input, and splits each output along it.
"""

import functools
import json

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from configs import hub_api
from tests.conformance import text_table
from tests.support import sampling

_SAMPLE = ("classify",)
ROWS = sampling.parametrize(
    "row",
    text_table.ROWS,
    sample=[row for row in text_table.ROWS if row.task in _SAMPLE],
    ids=str,
)
ATOL = 1e-5  # batches of another shape are added in another order


class _Served:
    """A model in a session, as Serving has it."""

    def __init__(self, directory):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            graph = tf.compat.v1.saved_model.load(self._session, ["serve"], directory)
        self.signatures = graph.signature_def

    def predict(self, serialized):
        """Returns the serialized response to a serialized request."""
        request = predict_pb2.PredictRequest.FromString(serialized)
        signature = self.signatures[request.model_spec.signature_name or "serving_default"]
        assert set(request.inputs) == set(signature.inputs)
        feed = {
            signature.inputs[name].name: tf.make_ndarray(tensor)
            for name, tensor in request.inputs.items()
        }
        fetches = {name: info.name for name, info in signature.outputs.items()}
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        for name, array in self._session.run(fetches, feed).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
        return response.SerializeToString()


@functools.cache
def _served(directory):
    return _Served(directory)


def _predict(row, inputs):
    """Returns the outputs for tensors by name, through the protocol's messages."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = row.name
    request.model_spec.signature_name = row.signature
    for name, tensor in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
    serialized = _served(row.directory).predict(request.SerializeToString())
    response = predict_pb2.PredictResponse.FromString(serialized)
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def _tensors(row, instances):
    """Returns tensors of instances: values of the only input, or objects of values by name."""
    (*names,) = _served(row.directory).signatures[row.signature].inputs
    if all(not isinstance(instance, dict) for instance in instances):
        assert len(names) == 1, "values without names are for signatures with one input"
        return {names[0]: tf.constant(instances)}
    assert all(set(instance) == set(names) for instance in instances)
    return {name: tf.constant([instance[name] for instance in instances]) for name in names}


def _predictions(outputs):
    """Returns the rows of outputs, or raises as the server does."""
    assert all(array.ndim for array in outputs.values()), "an output has no batch dimension"
    sizes = {len(array) for array in outputs.values()}
    assert len(sizes) == 1, "outputs have different batch sizes"
    columns = {}
    for name, array in outputs.items():
        if array.dtype == object:
            assert not name.endswith("_bytes")  # these would be base64
            array = np.vectorize(lambda value: value.decode(), otypes=[object])(array)
        assert array.dtype.kind != "f" or np.isfinite(array).all()
        columns[name] = array.tolist()
    if len(columns) == 1:
        return next(iter(columns.values()))
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, values, strict=True)) for values in rows]


@ROWS
def test_a_request_and_its_response_go_through_the_protocol(row):
    got = _predict(row, row.named_inputs())
    expected = row.root().signatures[row.signature](**row.named_inputs())
    assert set(got) == set(expected)
    for name, value in expected.items():
        if value.dtype == tf.string:
            assert got[name].tolist() == value.numpy().tolist()
        else:
            assert got[name].dtype == value.numpy().dtype
            np.testing.assert_allclose(got[name], value, atol=ATOL, rtol=0, err_msg=name)


@ROWS
def test_instances_give_a_prediction_each(row):
    batch = list(zip(*row.columns, strict=True))
    if row.names:
        instances = [dict(zip(row.names, texts, strict=True)) for texts in batch]
    else:
        instances = [text for (text,) in batch]
    body = json.loads(json.dumps({"instances": instances}))
    found = _predictions(_predict(row, _tensors(row, body["instances"])))
    assert len(found) == len(instances)
    assert json.loads(json.dumps(found)) == found
    expected = row.root().signatures[row.signature](**row.named_inputs())
    for number, prediction in enumerate(found):
        assert set(prediction) == set(expected)
        for name, value in expected.items():
            if value.dtype == tf.string:
                wanted = np.ravel(value[number].numpy()).tolist()
                assert [text.encode() for text in np.ravel(prediction[name])] == wanted


@ROWS
def test_requests_may_be_joined_and_split_along_the_first_dimension(row):
    joined = _predict(row, row.named_inputs())
    for number in range(len(row.columns[0])):
        alone = _predict(row, row.named_inputs(slice(number, number + 1)))
        for name, array in alone.items():
            assert len(joined[name]) == len(row.columns[0]) and len(array) == 1, name
            # Entities are padded to the most of the batch.
            here, there = np.asarray(array[0]), np.asarray(joined[name][number])
            if here.ndim:
                padding = there[len(here) :]
                assert name in hub_api.TAGGED_OUTPUTS or not len(padding)
                assert set(padding.tolist()) <= {b"", -1, -1.0}
                there = there[: len(here)]
            if here.dtype.kind == "f":
                np.testing.assert_allclose(there, here, atol=ATOL, rtol=0, err_msg=name)
            else:
                np.testing.assert_array_equal(there, here, err_msg=name)


@ROWS
def test_signatures_say_that_the_batch_comes_first(row):
    signature = _served(row.directory).signatures[row.signature]
    assert signature.method_name == "tensorflow/serving/predict"
    for info in signature.inputs.values():
        assert [dim.size for dim in info.tensor_shape.dim] == [-1]
        assert info.dtype == tf.string.as_datatype_enum
    for name, info in signature.outputs.items():
        assert not info.tensor_shape.unknown_rank and info.tensor_shape.dim, name
        assert info.tensor_shape.dim[0].size == -1, name
