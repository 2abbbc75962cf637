"""A Keras 3 layer for SavedModels with TF Hub's interface, to call, train and save.

Example:
    encoder = keras3.SavedModelLayer("exports/albert_en_large/1", trainable=True)
    outputs = encoder({"input_word_ids": ids, "input_mask": mask, "input_type_ids": types})

hub.KerasLayer is a layer of Keras 2. Keras 3's TFSMLayer cannot train these models: it names its
weights as the variables, and Keras 3's optimizers refuse the `:0` in those names.

The file of `model.save("model.keras")` is complete: the layer's config holds the SavedModel's graph
and assets. A graph is a program, so Keras loads it only if the user trusts the file:

Example:
    keras.models.load_model("model.keras", safe_mode=False)

This file imports nothing of the project, so it can be copied.
"""

import base64
import inspect
import io
import operator
import os
import tempfile
import zipfile
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.saving import serialization_lib  # Keras has no public function for the mode


@keras.saving.register_keras_serializable(package="albert_hub_export")
class SavedModelLayer(keras.layers.Layer):
    """A callable of a SavedModel as a layer.

    It has the callable's inputs and outputs, dicts included, and passes `training` if the callable
    takes it. Its weights share the variables' values. Their names are the variables', with `_` for
    `/`, so that `exclude_from_weight_decay(var_names=["layer_norm", "bias"])` finds them. The layer
    ignores regularization losses of the SavedModel; this project's models have none.
    """

    def __init__(
        self,
        handle: str | os.PathLike[str] | None = None,
        *,
        callable: str | None = None,
        trainable: bool = False,
        name: str | None = None,
        saved_model: str | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Loads the SavedModel.

        Args:
          handle: folder of a SavedModel, or an address that `tensorflow_hub.resolve` knows.
          callable: dotted path of attributes from the root of the SavedModel to the callable, as
            "mlm" or "unpadded.mlm"; None for the root.
          trainable: whether the trainable variables are trained.
          name: of the layer.
          saved_model: replaces `handle`: the entry of `get_config()`, a SavedModel without the
            values of its variables, which must be loaded before the layer is called.
          settings: goes with it: the values of variables that are no weights, such as labels.

        Raises:
          ValueError: Keras is not of version 3 or does not run on TensorFlow, the handle is not a
            SavedModel, or the SavedModel does not have the callable.
        """
        _check_keras()
        super().__init__(name=name, autocast=False)
        if saved_model is None:
            directory = _resolve(handle)
            self._archive = _pack(directory)
            self._loaded = tf.saved_model.load(directory)
        else:
            self._archive = saved_model
            self._folder = tempfile.TemporaryDirectory()  # keeps the assets
            _unpack(saved_model, self._folder.name)
            options = tf.saved_model.LoadOptions(experimental_skip_checkpoint=True)
            self._loaded = tf.saved_model.load(self._folder.name, options=options)
            for path, value in (settings or {}).items():
                variable = operator.attrgetter(path)(self._loaded)
                variable.assign(tf.constant(value, variable.dtype))
        self.callable = callable
        self._function = _find(self._loaded, callable)
        parameters = inspect.signature(self._function.__call__).parameters
        self._takes_training = "training" in parameters
        self._shared_variables = _weights(self._function)
        # Last, because the setter passes a changed value to the existing weights.
        self.trainable = trainable
        self.supports_jit = False  # XLA has no strings and no shapes that depend on values
        self.built = True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        # Keras takes tensors and arrays alone: a list of texts would be many arguments.
        return super().__call__(_tensor_of_texts(inputs), *args, **kwargs)

    def call(self, inputs: Any, training: bool = False) -> Any:
        settings = {"training": bool(training)} if self._takes_training else {}
        try:
            return self._compute(inputs, settings)
        except (TypeError, ValueError) as error:  # those of a graph that runs are others
            accepted, given = _accepted(self._function), _described(inputs)
            if given in accepted:
                raise
            raise ValueError(
                f"the SavedModel takes {' or '.join(accepted)}, got {given}"
            ) from error

    def _compute(self, inputs: Any, settings: dict[str, bool]) -> Any:
        if tf.distribute.has_strategy() and tf.distribute.in_cross_replica_context():
            # Inside strategy.scope(), where TensorFlow computes restored functions in replicas only
            strategy = tf.distribute.get_strategy()
            outputs = strategy.run(self._function, args=(inputs,), kwargs=settings)
            return tf.nest.map_structure(
                lambda values: strategy.experimental_local_results(values)[0], outputs
            )
        return self._function(inputs, **settings)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]  # the graph has its own
        config |= {"callable": self.callable, "saved_model": self._archive}
        settings = {path: _value(variable) for path, variable in _settings(self._loaded).items()}
        return {**config, "settings": settings} if settings else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SavedModelLayer":
        """Makes a layer whose weights have no values yet.

        Raises:
          ValueError: the file is loaded with `safe_mode=True`.
        """
        if serialization_lib.in_safe_mode():
            raise ValueError(
                "a SavedModelLayer holds a TensorFlow graph, which is a program: if you trust the "
                "origin of the file, load it with safe_mode=False"
            )
        return cls(**config)


def _check_keras() -> None:
    if not keras.__version__.startswith("3."):
        raise ValueError(f"SavedModelLayer needs Keras 3, got {keras.__version__}")
    if keras.config.backend() != "tensorflow":
        raise ValueError(
            f"SavedModelLayer needs Keras's tensorflow backend, got {keras.config.backend()!r}: "
            "set KERAS_BACKEND=tensorflow"
        )
    # Models of tf.keras would accept the layer and fail later.
    if os.environ.get("TF_USE_LEGACY_KERAS", "") in ("1", "true", "True"):
        raise ValueError(
            "TF_USE_LEGACY_KERAS asks for Keras 2 as tf.keras, and SavedModelLayer is a layer of "
            "Keras 3: unset it, or use hub.KerasLayer"
        )


def _resolve(handle: str | os.PathLike[str] | None) -> str:
    """Returns the folder of the SavedModel."""
    if handle is None:
        raise ValueError("SavedModelLayer needs the handle of a SavedModel")
    directory = os.fspath(handle)
    if "://" in directory:
        import tensorflow_hub as hub  # imports Keras 2, so only for addresses

        directory = hub.resolve(directory)
    if not tf.saved_model.contains_saved_model(directory):
        raise ValueError(f"handle must be the folder or address of a SavedModel, got {handle!r}")
    return directory


def _find(loaded: Any, path: str | None) -> Any:
    """Returns the callable at a dotted path of attributes of a loaded SavedModel."""
    try:
        found = operator.attrgetter(path)(loaded) if path else loaded
    except AttributeError:
        found = None
    if not callable(found):
        names = (name for name, value in vars(loaded).items() if callable(value))
        public = sorted(name for name in names if not name.startswith("_"))
        raise ValueError(
            f"callable must be the path of a callable of the SavedModel, got {path!r}; "
            f"there is: {', '.join(public) or 'none'}"
        )
    return found


def _tensor_of_texts(inputs: Any) -> Any:
    """Returns a list of texts as a tensor, and anything else as it is."""
    is_list = isinstance(inputs, list | tuple) and all(isinstance(i, str | bytes) for i in inputs)
    return tf.constant(inputs, tf.string) if is_list or isinstance(inputs, str | bytes) else inputs


def _accepted(function: Any) -> list[str]:
    """Returns what a callable of a SavedModel takes as its inputs, in words."""
    traces = getattr(function.__call__, "concrete_functions", [])
    every = [trace.structured_input_signature[0][:1] for trace in traces]
    return list(dict.fromkeys(_described(inputs[0]) for inputs in every if inputs))


def _described(inputs: Any) -> str:
    """Returns dtypes and shapes of inputs, as `{'sentences': string [None]}`."""
    if isinstance(inputs, dict):
        return "{" + ", ".join(f"{k!r}: {_described(v)}" for k, v in sorted(inputs.items())) + "}"
    if isinstance(inputs, list | tuple):
        return "[" + ", ".join(map(_described, inputs)) + "]"
    if not hasattr(inputs, "dtype") or not hasattr(inputs, "shape"):
        return repr(inputs)
    kind = "ragged " if isinstance(inputs, tf.RaggedTensor | tf.RaggedTensorSpec) else ""
    return f"{kind}{getattr(inputs.dtype, 'name', inputs.dtype)} {list(inputs.shape)}"


def _weights(function: Any) -> list[keras.Variable]:
    """Returns Keras variables that share the values of the callable's variables."""
    trainable = {id(variable) for variable in getattr(function, "trainable_variables", ())}
    return [
        keras.Variable(
            variable,
            dtype=variable.dtype,
            trainable=id(variable) in trainable,
            name=variable.name.split(":")[0].replace("/", "_"),
        )
        for variable in getattr(function, "variables", ())
    ]


def _settings(loaded: Any, prefix: str = "") -> dict[str, tf.Variable]:
    """Returns, by path, the variables that are attributes: settings. Weights are in lists."""
    found = {}
    for name, value in sorted(vars(loaded).items()):
        if name.startswith("_") or name == "save_counter":
            continue
        if isinstance(value, tf.Variable):
            found[f"{prefix}{name}"] = value
        elif hasattr(value, "variables"):  # another callable
            found |= _settings(value, f"{prefix}{name}.")
    return found


def _value(variable: tf.Variable) -> Any:
    """Returns the value of a variable as JSON has it."""
    value = np.asarray(variable.numpy())
    if variable.dtype == tf.string:
        value = np.vectorize(lambda text: text.decode(), otypes=[object])(value)
    return value.tolist()


def _pack(directory: str) -> str:
    """Returns the SavedModel without its variables' values, as a zip file in base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for folder, _, names in tf.io.gfile.walk(directory):
            relative = os.path.relpath(folder, directory)
            if relative == tf.saved_model.VARIABLES_DIRECTORY:
                continue
            for name in names:
                # ZipInfo has no time: the same SavedModel gives the same config.
                info = zipfile.ZipInfo(os.path.join(relative, name))
                with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as file:
                    archive.writestr(info, file.read(), zipfile.ZIP_DEFLATED)
    return base64.b64encode(buffer.getvalue()).decode()


def _unpack(saved_model: str, directory: str) -> None:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(saved_model))) as archive:
        archive.extractall(directory)
