"""The cases in Keras on TensorFlow, by `model.fit` on arrays. A run is an epoch of so many steps, or whole epochs and the rest; its time
is that of the steps alone, without what `fit` does before them (it copies the arrays, and builds the pipeline)."""

import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import tensorflow as tf
from deep_keras import NETS
from keras import layers


def use_threads(count):
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)


def versions():
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def softmax():
    return layers.Dense(10, activation="softmax")


def conv(filters, padding="valid"):
    return layers.Conv2D(filters, 3, padding=padding, activation="relu")


def mlp():
    hidden = [layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(128, activation="relu")]
    return [keras.Input((784,)), *hidden, layers.Dropout(0.2), softmax()]


def big_mlp():
    return [keras.Input((784,)), layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu"), softmax()]


def cnn():
    convolutions = [conv(16), layers.MaxPooling2D(2), conv(32), layers.MaxPooling2D(2)]
    return [keras.Input((28, 28, 1)), *convolutions, layers.Flatten(), softmax()]


def cifar():
    stack = [keras.Input((32, 32, 3))]
    for filters in (32, 64):
        stack += [conv(filters, "same"), conv(filters, "same"), layers.MaxPooling2D(2)]
    return [*stack, layers.Flatten(), layers.Dense(128, activation="relu"), softmax()]


def lstm():
    return [keras.Input((100,)), layers.Embedding(2000, 32), layers.LSTM(64), layers.Dense(1, activation="sigmoid")]


CASES = {
    "mlp": (mlp, lambda: keras.optimizers.SGD(0.1)),
    "mlp-adam": (mlp, lambda: keras.optimizers.Adam(0.001)),
    "big-mlp": (big_mlp, lambda: keras.optimizers.SGD(0.1)),
    "cnn": (cnn, lambda: keras.optimizers.SGD(0.05)),
    "cifar": (cifar, lambda: keras.optimizers.SGD(0.05)),
    "lstm": (lstm, lambda: keras.optimizers.Adam(0.01)),
}
# Their features are numbers of words.
WORDS = ("lstm", "lstm-2", "encoder")
# Their labels are yes and no.
BINARY = ("lstm", "lstm-2", "gru", "rnn")


class Clock(keras.callbacks.Callback):
    """Adds up the time of the steps: from the end of an epoch's first one to the end of its last one, for as many as there were."""

    def __init__(self):
        super().__init__()
        self.ms = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())

    def on_epoch_end(self, epoch, logs=None):
        first, last, steps = self.ends[0], self.ends[-1], len(self.ends)
        self.ms += 1000 * ((last - first) * steps / (steps - 1) if steps > 1 else last - self.began)


def trainer(name, batch_size, features, labels):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    build, optimizer = {**CASES, **NETS}[name]
    model = build() if name in NETS else keras.Sequential(build())
    binary = name in BINARY
    loss = "binary_crossentropy" if binary else "categorical_crossentropy"
    model.compile(optimizer=optimizer(), loss=loss, metrics=["accuracy"])
    if binary:
        y = labels.astype("float32").reshape(len(labels), -1, 1) if labels.ndim > 1 else labels.astype("float32")[:, None]
    else:
        y = keras.utils.to_categorical(labels, model.output_shape[-1])
    x = features.astype("int32") if name in WORDS else features
    batches = len(x) // batch_size

    def run(steps):
        clock = Clock()
        epochs, rest = divmod(steps, batches)
        for count, times in ((batches, epochs), (rest, 1)):
            rows = count * batch_size
            if rows * times > 0:
                model.fit(x[:rows], y[:rows], batch_size=batch_size, epochs=times, verbose=0, callbacks=[clock])
        return clock.ms

    return run
