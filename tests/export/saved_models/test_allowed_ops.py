"""The allowed ops are those that TensorFlow's own registry says can name nothing."""

import re

import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401, registers ops
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.framework.types_pb2 import DT_RESOURCE, DT_STRING, DT_VARIANT
from tensorflow.python.client import pywrap_tf_session

from export.saved_models import allowed_ops, file_names

# Families that compute what no model around an encoder does.
_LEFT_OUT = (
    *("Boosted", "Copy", "Cudnn", "DTensor", "Debug", "Decode", "Generate", "KMC2", "Kmeans"),
    *("Audio", "Mfcc", "Nearest", "Rpc", "Sdca", "Snapshot", "TPU", "Uniform", "Xla"),
)
# Words in names of arguments that mean a file, an address or code, and what else they mean here.
_REACHES_OUT = re.compile(
    r"file|path|url|addr|host|dir(?!ection)|target|server|^token$|protocol|descriptor"
)
_HARMLESS = {"host_reserved", "recall_target", "targets", "top_paths"}


@pytest.fixture(scope="module")
def registry():
    content = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return {op.name: op for op in op_def_pb2.OpList.FromString(content).op}


def _has_free_strings(op):
    strings = ("string", "list(string)", "func", "list(func)")
    return any(a.type in strings and not a.allowed_values.list.s for a in op.attr)


def _is_numeric(op):
    types = {argument.type for argument in (*op.input_arg, *op.output_arg)}
    return (
        hasattr(tf.raw_ops, op.name)  # not internal, and not of TensorFlow's tests
        and not op.is_stateful
        and not types & {DT_STRING, DT_RESOURCE, DT_VARIANT}
        and not _has_free_strings(op)
        and not op.name.startswith(_LEFT_OUT)
    )


def test_numeric_ops_are_those_that_the_rule_finds(registry):
    found = {name for name, op in registry.items() if _is_numeric(op)}
    text = {name for name in found if name in allowed_ops.TEXT}
    assert found - text == set(allowed_ops.NUMERIC)


def test_every_allowed_op_is_registered_and_listed_once(registry):
    groups = [
        name for group in vars(allowed_ops).values() if isinstance(group, tuple) for name in group
    ]
    assert len(groups) == len(set(groups)) == len(allowed_ops.ALL)
    assert set(groups) == allowed_ops.ALL <= registry.keys()
    assert not allowed_ops.ALL & file_names.OPS


def test_no_allowed_op_has_an_argument_named_for_a_file_or_an_address(registry):
    for name in allowed_ops.ALL:
        op = registry[name]
        words = {argument.name for argument in (*op.input_arg, *op.attr)} - _HARMLESS
        assert not list(filter(_REACHES_OUT.search, words)), name


def test_ops_that_call_functions_are_those_whose_callers_are_followed(registry):
    calls = {
        name
        for name in allowed_ops.ALL
        if any(a.type in ("func", "list(func)") for a in registry[name].attr)
    }
    assert calls == set(allowed_ops.CALLS)


@pytest.mark.parametrize(
    "name",
    [
        *("ReadFile", "MatchingFiles", "PyFuncStateless", "ImmutableConst", "XlaCustomCall"),
        *("DecodeProtoV2", "SnapshotDatasetV2", "DebugIdentity", "Abort", "GenerateVocabRemapping"),
    ],
)
def test_stateless_ops_that_reach_out_are_not_allowed(registry, name):
    assert name in registry and not registry[name].is_stateful
    assert name not in allowed_ops.ALL
