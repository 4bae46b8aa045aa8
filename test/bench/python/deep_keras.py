"""Convolutional, recurrent and attention nets for steps_keras.py."""

import keras
from keras import layers


def norm_relu(x):
    return layers.ReLU()(layers.BatchNormalization()(x))


def conv(x, filters, strides=1, size=3):
    return layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)


def resnet():
    inputs = keras.Input((32, 32, 3))
    x = norm_relu(conv(inputs, 16))
    for filters, strides in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        inside = layers.BatchNormalization()(conv(norm_relu(conv(x, filters, strides)), filters))
        around = x if strides == 1 else conv(x, filters, strides, 1)
        x = layers.ReLU()(layers.Add()([inside, around]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def series(kind):
    return keras.Sequential([keras.Input((1000, 16)), kind(128), layers.Dense(1, activation="sigmoid")])


def tagger():
    recurrent = [layers.LSTM(64, return_sequences=True) for _ in range(2)]
    return keras.Sequential(
        [keras.Input((100,)), layers.Embedding(2000, 32), *recurrent, layers.Dense(1, activation="sigmoid")]
    )


def encoder_layer(x):
    dropped = layers.Dropout(0.1)
    attended = layers.MultiHeadAttention(4, 32, dropout=0.1)(x, x)
    half = layers.LayerNormalization(epsilon=1e-5)(x + dropped(attended))
    hidden = layers.Dropout(0.1)(layers.Dense(256, activation="relu")(half))
    return layers.LayerNormalization(epsilon=1e-5)(half + layers.Dropout(0.1)(layers.Dense(128)(hidden)))


def encoder():
    inputs = keras.Input((64,))
    x = layers.Embedding(5000, 128)(inputs)
    for _ in range(4):
        x = encoder_layer(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


NETS = {
    "resnet": (resnet, lambda: keras.optimizers.SGD(0.05, momentum=0.9)),
    "gru": (lambda: series(layers.GRU), lambda: keras.optimizers.Adam(0.001)),
    "rnn": (lambda: series(layers.SimpleRNN), lambda: keras.optimizers.Adam(0.001)),
    "lstm-2": (tagger, lambda: keras.optimizers.Adam(0.01)),
    "encoder": (encoder, lambda: keras.optimizers.Adam(0.001)),
}
