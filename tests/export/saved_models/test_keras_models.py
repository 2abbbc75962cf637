"""SavedModels of Keras 2 and 3 with layers that stand around encoders are accepted."""

import keras
import numpy as np
import pytest
import tf_keras

from export.saved_models import loading

pytestmark = pytest.mark.stress


def _numbers(library):
    layers = library.layers
    ids = library.Input((12,), dtype="int32")
    x = layers.Embedding(20, 8)(ids)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.GRU(8, return_sequences=True)(x)
    x = layers.SimpleRNN(8, return_sequences=True)(x)
    x = layers.SeparableConv1D(8, 3, padding="same")(layers.Conv1D(8, 3, padding="same")(x))
    x = layers.LayerNormalization()(layers.BatchNormalization()(x))
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.AdditiveAttention()([x, layers.Attention()([x, x])])
    x = layers.SpatialDropout1D(0.1)(layers.GaussianNoise(0.1)(layers.Dropout(0.1)(x)))
    pooled = layers.Flatten()(layers.AveragePooling1D(2)(layers.MaxPooling1D(2)(x)))
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(x), pooled])
    for activation in ("gelu", "swish", "elu", "selu", "softplus"):
        x = layers.Dense(8, activation=activation)(x)
    x = layers.UnitNormalization()(layers.PReLU()(x))
    model = library.Model(ids, layers.Dense(3, activation="softmax")(x))
    model.compile(library.optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy")
    model.fit(np.zeros([8, 12]), np.zeros([8]), verbose=0)
    return model


def _strings(library):
    layers = library.layers
    text = library.Input((1,), dtype="string")
    vectors = layers.TextVectorization(max_tokens=50, ngrams=2)
    vectors.adapt(["a b c d", "e f g"])
    ids = layers.StringLookup(vocabulary=["a", "b"])
    return library.Model(text, [vectors(text), ids(text), layers.Hashing(10)(text)])


@pytest.mark.parametrize("make", [_numbers, _strings])
@pytest.mark.parametrize("library", [tf_keras, keras], ids=["keras2", "keras3"])
def test_keras_models_are_accepted(tmp_path, library, make):
    model = make(library)
    if library is tf_keras:
        model.save(str(tmp_path / "model"), save_format="tf")
    else:
        model.export(str(tmp_path / "model"), verbose=False)
    loading.audit(str(tmp_path / "model"))
