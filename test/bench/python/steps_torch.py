"""The cases in PyTorch, eager, with its defaults. Losses work on logits and class indices, and rows are converted before the clock
runs. Loss and accuracy are added up as a training loop that reports them does."""

import time

import torch
from deep_torch import NETS
from torch import nn


def use_threads(count):
    torch.set_num_threads(count)
    torch.set_num_interop_threads(count)


def versions():
    return {"torch": torch.__version__}


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(2000, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.dense = nn.Linear(64, 1)

    def forward(self, words):
        outputs, _ = self.lstm(self.embedding(words))
        return self.dense(outputs[:, -1])


def mlp():
    layers = [nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(128, 10))


def big_mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def cnn():
    layers = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(800, 10))


def cifar():
    layers = []
    for before, after in ((3, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Linear(128, 10))


def sgd(rate):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate)


def adam(rate):
    return lambda parameters: torch.optim.Adam(parameters, lr=rate)


CASES = {
    "mlp": (mlp, sgd(0.1)),
    "mlp-adam": (mlp, adam(0.001)),
    "big-mlp": (big_mlp, sgd(0.1)),
    "cnn": (cnn, sgd(0.05)),
    "cifar": (cifar, sgd(0.05)),
    "lstm": (Lstm, adam(0.01)),
    **NETS,
}
# Their features are numbers of words.
WORDS = ("lstm", "lstm-2", "encoder")
# Their labels are yes and no.
BINARY = ("lstm", "lstm-2", "gru", "rnn")


def trainer(name, batch_size, features, labels):
    torch.manual_seed(7)
    build, optimizer_of = CASES[name]
    model = build()
    optimizer = optimizer_of(model.parameters())
    x = torch.from_numpy(features.astype("int64") if name in WORDS else features)
    if x.dim() == 4:
        x = x.permute(0, 3, 1, 2).contiguous()
    binary = name in BINARY
    y = torch.from_numpy(labels).float() if binary else torch.from_numpy(labels).long()
    if binary and y.dim() == 1:
        y = y[:, None]
    criterion = nn.BCEWithLogitsLoss() if binary else nn.CrossEntropyLoss()
    order = torch.randperm(len(x))
    state = {"at": 0}

    def run(steps):
        began = time.perf_counter()
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for _ in range(steps):
            rows = order[state["at"] : state["at"] + batch_size]
            state["at"] = (state["at"] + batch_size) % len(x)
            expected = y[rows]
            optimizer.zero_grad()
            outputs = model(x[rows])
            loss = criterion(outputs, expected)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            correct += ((outputs > 0) == (expected > 0.5) if binary else outputs.argmax(1) == expected).sum()
        if not torch.isfinite(loss_sum):
            raise ValueError("the loss is not finite")
        return (time.perf_counter() - began) * 1000

    return run
