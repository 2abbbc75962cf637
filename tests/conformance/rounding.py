"""Monte Carlo arithmetic on the numpy oracle: how far rounding to bfloat16 may move a result.

    rounding.assert_outputs_right(case, call(case.inputs()))

In which order a kernel adds and which steps it fuses differs from CPU to CPU, so the error of one
CPU is a draw from a distribution. Monte Carlo arithmetic (D. S. Parker, UCLA CSD-970002, 1997)
samples it: every weight and every result of an operation of the oracle gets a random relative error
of up to one rounding. The root mean square of what that does to a result is its spread.

Kernels round less often than that: they keep layer norm, softmax and the sums of products in
float32. Of 10,000 outputs none was off by more than 2.1 spreads and of 280 derivatives none by
more than 3.0, with oneDNN, Eigen and XLA; in the mean they were off by 0.4 to 0.9 spreads.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tests.conformance import table

# Five standard deviations.
SPREADS = 5
# Of rounding to the nearest number of 8 significant bits.
_UNIT_ROUNDOFF = 2.0**-8
_SAMPLES = 8
# float32 against float64, of outputs and gradients of order 1. Five spreads of float32, whose unit
# is 2**-24, are 4e-6 here, but tanh, exp and rsqrt are approximations of a few units.
_FLOAT32_ATOL = 1e-5
_FLOAT32_GRADIENT_RTOL = 1e-4
# The square root of float64's precision: the error of a difference quotient is of that order.
_STEP = 1e-7

_Tensors = Mapping[str, np.ndarray]


class _Rounded(np.ndarray):
    """An array all results of which get a relative error."""

    generator: np.random.Generator

    def __array_finalize__(self, array: Any) -> None:
        if isinstance(array, _Rounded):
            self.generator = array.generator

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **arguments: Any
    ) -> Any:
        generator = next(x.generator for x in inputs if isinstance(x, _Rounded))
        if out is not None:
            arguments["out"] = tuple(map(np.asarray, out))
        exact = getattr(ufunc, method)(*map(np.asarray, inputs), **arguments)
        return _round(exact, generator)


def _round(exact: Any, generator: np.random.Generator) -> np.ndarray:
    errors = generator.uniform(-_UNIT_ROUNDOFF, _UNIT_ROUNDOFF, np.shape(exact))
    rounded = np.asarray(exact * (1 + errors)).view(_Rounded)
    rounded.generator = generator
    return rounded


def monte_carlo(function: Callable[[_Tensors], Any], seed: int) -> Callable[[_Tensors], Any]:
    """Returns the function of weights in Monte Carlo arithmetic.

    The errors are the same in every call. So the result is smooth, and has derivatives: their
    errors are those that rounding on the way forward and on the way back makes.
    """

    def rounding(tensors: _Tensors) -> Any:
        generator = np.random.default_rng(seed)
        rounded = {name: _round(tensor, generator) for name, tensor in tensors.items()}
        return tf.nest.map_structure(np.asarray, function(rounded))

    return rounding


def spreads(derived: Callable[..., Any], function: Callable[[_Tensors], Any]) -> Any:
    """Returns the spread of every element of `derived(function, seed)`, in its structure."""
    errors = [
        tf.nest.map_structure(
            lambda rounded, exact: np.square(np.subtract(rounded, exact)),
            derived(monte_carlo(function, seed), seed),
            derived(function, seed),
        )
        for seed in range(_SAMPLES)
    ]
    return tf.nest.map_structure(lambda *squares: np.sqrt(np.mean(squares, axis=0)), *errors)


def output_limits(case: table.Case, tensors: _Tensors) -> dict[str, Any]:
    """Returns how far outputs may be from the oracle's, by name and element."""
    if case.artifact.compute_dtype == "float32":
        return {name: _FLOAT32_ATOL for name in case.expected(tensors)}
    found = spreads(lambda function, seed: function(tensors), case.expected)
    # A few samples may make an element's own spread too small by chance.
    return {
        name: SPREADS * np.maximum(spread, np.sqrt(np.mean(np.square(spread))))
        for name, spread in found.items()
    }


@functools.cache
def right_outputs(case: table.Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the oracle's outputs for the weights of the table, and their limits."""
    tensors = table.tensors(table.shared(case))
    return case.expected(tensors), output_limits(case, tensors)


def assert_outputs_right(case: table.Case, outputs: Mapping[str, Any]) -> None:
    """Asserts names, dtypes, shapes and values of outputs for the weights of the table."""
    expected, limits = right_outputs(case)
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        got = np.asarray(outputs[name])
        assert got.dtype == (np.int32 if name == "start_positions" else np.float32), name
        assert_within(got, value, limits[name], name)


def assert_within(got: Any, expected: Any, limit: Any, name: str) -> None:
    """Asserts that no element of an array is farther from the expected one than its limit."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, name
    excess = np.abs(got - expected) / limit
    assert (excess <= 1).all(), f"{name} is off by up to {excess.max():.2f} of what is allowed"


def derivatives(
    case: table.Case,
    function: Callable[[_Tensors], Any],
    tensors: _Tensors,
    directions: Mapping[str, np.ndarray],
) -> dict[str, dict[str, float]]:
    """Returns, by loss and variable, derivatives of losses in a direction of each variable."""
    start = case.losses(function(tensors))
    moved = {
        name: case.losses(function({**tensors, name: tensors[name] + _STEP * direction}))
        for name, direction in directions.items()
    }
    return {
        loss: {name: (losses[loss] - value) / _STEP for name, losses in moved.items()}
        for loss, value in start.items()
    }


def directions(tensors: _Tensors, seed: int) -> dict[str, np.ndarray]:
    """Returns a random direction of each variable: E[(gradient . direction)^2] = |gradient|^2."""
    generator = np.random.default_rng(seed)
    return {name: generator.standard_normal(tensor.shape) for name, tensor in tensors.items()}


@functools.cache
def _gradient_spreads(case: table.Case) -> dict[str, dict[str, float]]:
    tensors = table.tensors(table.shared(case))
    return spreads(
        lambda function, seed: derivatives(case, function, tensors, directions(tensors, seed)),
        case.expected,
    )


def gradient_limit(case: table.Case, loss: str, name: str, gradient: np.ndarray) -> float:
    """Returns how far, in the Euclidean norm, the gradient of a loss may be from the right one."""
    if case.artifact.compute_dtype == "float32":
        # The gradient of a key's bias is zero but for rounding: softmax cancels it.
        return _FLOAT32_GRADIENT_RTOL * (float(np.linalg.norm(gradient)) + 1.0)
    return SPREADS * _gradient_spreads(case)[loss][name]
