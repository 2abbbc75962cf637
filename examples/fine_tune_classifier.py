"""Fine-tunes a classifier of texts, or of pairs of texts, and exports it as one SavedModel.

    python examples/fine_tune_classifier.py --train train.tsv --dev dev.tsv \\
        --encoder exports/albert_en_large/1 --model_name my_classifier_text

Prints the path of the exported text model: `hub.load(path)(["a text"])["label"]` is the label.
`--encoder` is an exported encoder, or any checkpoint that `export.encoder` takes: a folder, or
`hf://albert/albert-base-v2`. If it has a head `.classify`, the training continues with that head
and its labels. Otherwise the head is new, and its labels are those of the training file.

The files are tables with a header (TSV, CSV) or JSON lines:

    text<TAB>label
    A fine film.<TAB>good

Learning rates are those of Lan et al. 2019 (ALBERT, https://arxiv.org/abs/1909.11942, the table of
hyperparameters for downstream tasks): 1e-5 to 5e-5. Some seeds fail: Mosbach et al. 2021 (On the
stability of fine-tuning BERT, https://arxiv.org/abs/2006.04884) advise 2e-5, bias correction, a
warm-up of a tenth of the steps and 20 epochs for small files. AdamW, weight decay 0.01 and clipping
at norm 1 are those of google-research/albert (optimization.py).
"""

import collections
import math
import os
import shutil
import tempfile
from typing import Any

import labelled_texts  # the file beside this one
import numpy as np
from absl import flags
from labelled_texts import Example

from configs import errors, head_config, hub_api
from export import api
from export.artifacts import encoder_spec
from export.cli import export_flags, runner
from export.publishing import publish

_TRAIN = flags.DEFINE_string("train", None, "Labelled texts to train on.", required=True)
_DEV = flags.DEFINE_string("dev", None, "Labelled texts to choose a seed by.", required=True)
_TEXT_FIELDS = flags.DEFINE_list(
    "text_fields", ["text"], "Column or field of the text; two of them for pairs: first,second."
)
_LABEL_FIELD = flags.DEFINE_string("label_field", "label", "Column or field of the label.")
_ENCODER = flags.DEFINE_string(
    "encoder", None, "An exported encoder, or any checkpoint of ALBERT.", required=True
)
_EPOCHS = flags.DEFINE_integer("epochs", 3, "Passes over the training file.", lower_bound=1)
_SEEDS = flags.DEFINE_integer(
    "seeds", 1, "Trainings with different seeds; the best on --dev is exported.", lower_bound=1
)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 2e-5, "The highest.", lower_bound=0.0)
_WARMUP = flags.DEFINE_float("warmup", 0.1, "Share of the steps.", lower_bound=0.0, upper_bound=1.0)
_WEIGHT_DECAY = flags.DEFINE_float("weight_decay", 0.01, "AdamW's.", lower_bound=0.0)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Examples per step.", lower_bound=1)
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    None,
    "Tokens after which a text is cut, also in the export. Default: 128, or all positions.",
    lower_bound=5,
)
_DROPOUT = flags.DEFINE_float(
    "classifier_dropout_prob", None, "Dropout of the head. Default: what the config says."
)
_FREEZE = flags.DEFINE_enum(
    "freeze",
    "nothing",
    ["nothing", "embeddings", "encoder"],
    "What is not trained. All layers share their weights, so that there are no lower layers alone.",
)
flags.adopt_module_key_flags(export_flags)
flags.mark_flag_as_required(export_flags.MODEL_NAME)

# Weights of Keras 3 are called as the variables, with _ for /.
_EMBEDDINGS = ("word_embeddings", "position_embedding", "type_embeddings", "embedding")
_FROZEN: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "embeddings": _EMBEDDINGS,
    "encoder": (*_EMBEDDINGS, "transformer", "pooler_transform"),
}
_INITIAL_STDDEV = 0.02  # of a new head's weights, ALBERT's `initializer_range`


def head_for(
    spec: encoder_spec.EncoderSpec, train: list[Example]
) -> tuple[api.HeadRequest, tuple[str, ...]]:
    """Returns the head to train and its labels: that of the encoder, or a new one."""
    head = head_config.by_kind(spec.chosen_heads.heads).get(head_config.CLASSIFY)
    if head is None:
        labels = labelled_texts.ordered_labels(train)
        return api.HeadRequest(new_head=head_config.CLASSIFY, labels=labels), labels
    if head.problem_type != head_config.SINGLE_LABEL:
        raise errors.InputError(
            f"the head of --encoder is for {head.problem_type}: leave it out with "
            "python -m export.encoder --checkpoint ENCODER --nohead"
        )
    return api.HeadRequest(), head.labels


def length_for(spec: encoder_spec.EncoderSpec) -> int:
    """Returns the tokens after which a text is cut."""
    positions = spec.config.max_position_embeddings
    length = _MAX_SEQ_LENGTH.value or min(128, positions)
    if length > positions:
        raise errors.InputError(
            f"--max_seq_length must be at most {positions}, the encoder's number of positions, "
            f"got {length}"
        )
    return length


class Classifier:
    """An encoder with its head, and the preprocessor before it.

    Attributes:
      model: of Keras 3, from the encoder's inputs to logits [B, C].
    """

    def __init__(
        self, encoder: str, *, preprocessor: str, labels: tuple[str, ...], seq_length: int
    ) -> None:
        import keras
        import tensorflow as tf
        import tensorflow_text  # noqa: F401, registers the preprocessor's ops

        from export import keras3

        self._labels = labels
        self._seq_length = seq_length
        self._preprocessor = tf.saved_model.load(preprocessor)
        # It computes nothing for padding.
        head = f"{hub_api.UNPADDED}.{hub_api.CLASSIFY}"
        self._layer = keras3.SavedModelLayer(encoder, callable=head, trainable=True)
        for weight in self._layer.weights:
            if weight.name.startswith(_FROZEN[_FREEZE.value]):
                weight.trainable = False
        inputs = {
            name: keras.Input([None], dtype="int32", name=name) for name in hub_api.ENCODER_INPUTS
        }
        self.model = keras.Model(inputs, self._layer(inputs)[hub_api.LOGITS])

    def set_weights(self, weights: list[Any], *, head_seed: int | None = None) -> None:
        """Sets the weights; with `head_seed`, those of the head at random."""
        self.model.set_weights(weights)
        if head_seed is not None:
            generator = np.random.default_rng(head_seed)
            (kernel,) = (one for one in self._layer.weights if one.name == "cls_classify_kernel")
            kernel.assign(generator.normal(0.0, _INITIAL_STDDEV, kernel.shape))

    def train(self, train: list[Example], *, seed: int) -> None:
        """Trains, and logs the loss and the accuracy of each epoch."""
        import keras

        keras.utils.set_random_seed(seed)
        optimizer = keras.optimizers.AdamW(
            _LEARNING_RATE.value, weight_decay=_WEIGHT_DECAY.value, global_clipnorm=1.0
        )
        optimizer.exclude_from_weight_decay(var_names=["layer_norm", "bias"])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer, loss, metrics=["accuracy"])
        steps = _EPOCHS.value * math.ceil(len(train) / _BATCH_SIZE.value)

        def set_rate(batch: int, logs: Any) -> None:
            optimizer.learning_rate = learning_rate(int(optimizer.iterations), steps=steps)

        def report(epoch: int, logs: dict[str, float]) -> None:
            runner.log(
                f"seed {seed}, epoch {epoch + 1}: loss {logs['loss']:.4f}, "
                f"accuracy on --train {logs['accuracy']:.4f}"
            )

        self.model.fit(
            self._batches(train, shuffle_seed=seed),
            epochs=_EPOCHS.value,
            callbacks=[
                keras.callbacks.LambdaCallback(on_train_batch_begin=set_rate, on_epoch_end=report)
            ],
            shuffle=False,  # it is already
            verbose=0,
        )

    def accuracy(self, examples: list[Example]) -> float:
        """Returns the share of right labels."""
        predicted = self.model.predict(self._batches(examples), verbose=0).argmax(axis=1)
        return float(np.mean(predicted == self._numbers(examples)))

    def save(self, directory: str) -> None:
        import tensorflow as tf

        tf.saved_model.save(self.model, directory)

    def _numbers(self, examples: list[Example]) -> list[int]:
        return [self._labels.index(example.label) for example in examples]

    def _batches(self, examples: list[Example], *, shuffle_seed: int | None = None) -> Any:
        import tensorflow as tf

        texts = [example.texts for example in examples]
        dataset = tf.data.Dataset.from_tensor_slices((texts, self._numbers(examples)))
        if shuffle_seed is not None:
            dataset = dataset.shuffle(len(examples), seed=shuffle_seed)
        return dataset.batch(_BATCH_SIZE.value).map(self._pack).prefetch(tf.data.AUTOTUNE)

    def _pack(self, texts: Any, numbers: Any) -> tuple[dict[str, Any], Any]:
        """Returns the inputs of the encoder, in rows as long as the longest text."""
        import tensorflow as tf

        count = len(_TEXT_FIELDS.value)
        segments = [self._preprocessor.tokenize(texts[:, number]) for number in range(count)]
        lengths = tf.add_n([segment.row_lengths() for segment in segments]) + count + 1
        longest = tf.cast(tf.reduce_max(lengths), tf.int32)
        seq_length = tf.clip_by_value(longest, 2 * count + 1, self._seq_length)
        return self._preprocessor.bert_pack_inputs(segments, seq_length=seq_length), numbers


def learning_rate(step: int, *, steps: int) -> float:
    """Returns the rate, which rises linearly to --learning_rate and then falls to zero."""
    warmup = int(steps * _WARMUP.value)
    if step < warmup:
        return _LEARNING_RATE.value * (step + 1) / warmup
    return _LEARNING_RATE.value * (steps - step) / (steps - warmup)


def train_seeds(
    classifier: Classifier, *, train: list[Example], dev: list[Example], is_new_head: bool
) -> None:
    """Trains with each seed from the same weights on; leaves the best weights in the classifier."""
    first = classifier.model.get_weights()
    best: tuple[float, int, list[Any]] | None = None
    for seed in range(_SEEDS.value):
        classifier.set_weights(first, head_seed=seed if is_new_head else None)
        classifier.train(train, seed=seed)
        accuracy = classifier.accuracy(dev)
        runner.log(f"seed {seed}: accuracy on --dev {accuracy:.4f}")
        if best is None or accuracy > best[0]:
            best = (accuracy, seed, classifier.model.get_weights())
    assert best is not None
    classifier.set_weights(best[2])
    count = collections.Counter(example.label for example in dev).most_common(1)[0][1]
    runner.log(
        f"best: seed {best[1]}, accuracy on --dev {best[0]:.4f} "
        f"(always the most frequent label: {count / len(dev):.4f})"
    )


def train_and_export(
    train: list[Example], dev: list[Example], *, spec: encoder_spec.EncoderSpec
) -> str:
    """Returns the path of the text model of the best seed."""
    head, labels = head_for(spec, train)
    seq_length, dropout = length_for(spec), _DROPOUT.value
    for path, examples in ((_TRAIN.value, train), (_DEV.value, dev)):
        labelled_texts.check_labels(examples, path=path, labels=labels)
    runner.log(f"{len(train)} texts to train on, {len(dev)} to try; labels: {', '.join(labels)}")
    name = str(export_flags.MODEL_NAME.value)
    with tempfile.TemporaryDirectory() as work:
        encoder, preprocessor = api.export_all(
            _ENCODER.value,
            model_name=name,
            text_model=None,
            export_dir=work,
            head=head,
            overrides={} if dropout is None else {_DROPOUT.name: dropout},
            log=runner.log,
        )
        classifier = Classifier(
            encoder, preprocessor=preprocessor, labels=labels, seq_length=seq_length
        )
        train_seeds(classifier, train=train, dev=dev, is_new_head=bool(head.new_head))
        trained = os.path.join(work, "trained")
        classifier.save(trained)
        # It has the config, which a SavedModel of Keras has not.
        shutil.copytree(os.path.join(encoder, "assets.extra"), f"{trained}/assets.extra")
        request = api.TextModelRequest(task=head_config.CLASSIFY, max_seq_length=seq_length)
        return api.export_text_model(
            encoder=trained, model_name=name, text_model=request, **export_flags.destination()
        )


def main() -> None:
    if len(_TEXT_FIELDS.value) not in (1, 2):
        raise errors.InputError("--text_fields must be one or two")
    publish.check(
        export_flags.EXPORT_DIR.value,
        model_name=str(export_flags.MODEL_NAME.value),
        version=export_flags.VERSION.value,
    )
    train, dev = (
        labelled_texts.read(path, text_fields=_TEXT_FIELDS.value, label_field=_LABEL_FIELD.value)
        for path in (_TRAIN.value, _DEV.value)
    )
    spec = encoder_spec.from_checkpoint(_ENCODER.value)
    print(train_and_export(train, dev, spec=spec))


if __name__ == "__main__":
    runner.run(main, gpu=True)
