"""Trains the benchmark's model with Elephas on Spark local[N] and prints one JSON line.

{"fitSeconds", "totalSeconds", "accuracy"}: fitSeconds is `SparkModel.fit` alone; totalSeconds runs from
--started-at (the caller's clock just before it started this process) to the trained model, with the imports, the start
of Spark and the reading of the data, and without the evaluation that gives `accuracy`.
"""

import argparse
import json
import os
import sys
import time
from contextlib import redirect_stdout

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from elephas.spark_model import AsynchronousSparkModel, SparkModel
from elephas.utils.rdd_utils import to_simple_rdd
from pyspark import SparkConf, SparkContext


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help="the folder with the four raw IDX files of MNIST")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--mode", choices=["synchronous", "asynchronous", "hogwild"], required=True)
    parser.add_argument("--channel", choices=["http", "socket"], default="http")
    parser.add_argument("--port", type=int, default=4000)
    parser.add_argument("--started-at", type=float, required=True, help="seconds since the epoch")
    return parser.parse_args()


def read_idx(path, header):
    with open(path, "rb") as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=header)


def read_set(folder, name):
    images = read_idx(os.path.join(folder, f"{name}-images-idx3-ubyte"), 16).reshape(-1, 784)
    labels = read_idx(os.path.join(folder, f"{name}-labels-idx1-ubyte"), 8)
    return images.astype("float32") / 255, keras.utils.to_categorical(labels, 10)


def build_model():
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(learning_rate=0.1)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def distribute(model, arguments):
    if arguments.mode == "synchronous":
        return SparkModel(model, num_workers=arguments.workers)
    return AsynchronousSparkModel(
        model,
        num_workers=arguments.workers,
        mode=arguments.mode,
        frequency="epoch",
        parameter_server_mode=arguments.channel,
        port=arguments.port,
    )


def train(arguments):
    conf = SparkConf().setAppName("stampede-bench").setMaster(f"local[{arguments.workers}]")
    # The default of 1 GB leaves the JVM short of memory for 60,000 pickled rows.
    conf.set("spark.driver.memory", "4g").set("spark.ui.enabled", "false")
    context = SparkContext(conf=conf)
    context.setLogLevel("ERROR")
    try:
        features, labels = read_set(arguments.data, "train")
        distributed = distribute(build_model(), arguments)
        rows = to_simple_rdd(context, features, labels)
        fit_began = time.time()
        distributed.fit(rows, epochs=arguments.epochs, batch_size=64, verbose=0)
        trained = time.time()
        _, accuracy = distributed.master_network.evaluate(*read_set(arguments.data, "t10k"), verbose=0)
    finally:
        context.stop()
    return {
        "fitSeconds": trained - fit_began,
        "totalSeconds": trained - arguments.started_at,
        "accuracy": float(accuracy),
    }


if __name__ == "__main__":
    # Elephas and Keras print to stdout, which belongs to the result.
    with redirect_stdout(sys.stderr):
        result = train(parse_arguments())
    print(json.dumps(result))
