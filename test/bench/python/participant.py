"""A participant of a race: trains a case with PyTorch or Keras, step by step as it is told.

Orders and answers are lines of JSON, as steps/orders.ts says: {"order": "ready"}, {"order": "open", "task"}, {"order": "run",
"steps"}, {"order": "close"} on standard input; {"versions"}, {"ms"}, {} or {"error"} on standard output.
"""

import argparse
import json
import os
import sys
from importlib import import_module

import numpy as np


def read_case(folder):
    """Name and batch size of a case, and its rows: features as the model is fed them, labels as they are stored."""
    with open(os.path.join(folder, "case.json"), encoding="utf-8") as file:
        case = json.load(file)
    columns = {}
    for stored in case["fields"]:
        field = stored["field"]
        values = np.fromfile(os.path.join(folder, stored["file"]), dtype=field["storage"])
        columns[field["role"]] = values.reshape(case["rows"], *field["storedShape"])
        if field["role"] == "feature":
            divide = field["encoding"]["divide"][0]
            if divide != 1:
                columns["feature"] = columns["feature"].astype("float32") / np.float32(divide)
    return case["name"], case["batchSize"], columns["feature"], columns["label"]


def answer(order, framework, state):
    if order["order"] == "ready":
        return {}
    if order["order"] == "open":
        if order["task"]["kind"] != "train":
            raise ValueError("expected a case to train")
        state["run"] = framework.trainer(*read_case(order["task"]["folder"]))
        return {"versions": framework.versions()}
    if order["order"] == "run":
        return {"ms": state["run"](order["steps"])}
    state.clear()
    return {}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=["steps_torch", "steps_keras"])
    parser.add_argument("--threads", type=int, help="by default the framework's own choice")
    arguments = parser.parse_args()
    # Keras prints to standard output, which belongs to the answers.
    out, sys.stdout = sys.stdout, sys.stderr
    framework = import_module(arguments.framework)
    if arguments.threads:
        framework.use_threads(arguments.threads)
    state = {}
    for line in sys.stdin:
        try:
            said = answer(json.loads(line), framework, state)
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=out, flush=True)


if __name__ == "__main__":
    main()
