"""Convolutional, recurrent and attention nets for steps_torch.py. PyTorch's GRU multiplies its reset gate after the product, and its
layers keep a second bias: one way of the same layer each."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, before, filters, stride):
        super().__init__()
        self.first = nn.Conv2d(before, filters, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(filters)
        self.second = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(filters)
        self.around = nn.Identity() if stride == 1 else nn.Conv2d(before, filters, 1, stride, bias=False)

    def forward(self, x):
        inside = self.second_norm(self.second(torch.relu(self.first_norm(self.first(x)))))
        return torch.relu(inside + self.around(x))


def resnet():
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    before = 16
    for filters, stride in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        layers.append(Block(before, filters, stride))
        before = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Series(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.recurrent = kind(16, 128, batch_first=True)
        self.dense = nn.Linear(128, 1)

    def forward(self, x):
        outputs, _ = self.recurrent(x)
        return self.dense(outputs[:, -1])


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(2000, 32)
        # Two layers in one call, which is faster than two calls.
        self.lstm = nn.LSTM(32, 64, num_layers=2, batch_first=True)
        self.dense = nn.Linear(64, 1)

    def forward(self, words):
        outputs, _ = self.lstm(self.embedding(words))
        return self.dense(outputs)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5000, 128)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(128, 4, 256, dropout=0.1, batch_first=True) for _ in range(4)
        )
        self.dense = nn.Linear(128, 4)

    def forward(self, words):
        x = self.embedding(words)
        for layer in self.layers:
            x = layer(x)
        return self.dense(x.mean(1))


NETS = {
    "resnet": (resnet, lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9)),
    "gru": (lambda: Series(nn.GRU), lambda parameters: torch.optim.Adam(parameters, lr=0.001)),
    "rnn": (lambda: Series(nn.RNN), lambda parameters: torch.optim.Adam(parameters, lr=0.001)),
    "lstm-2": (Tagger, lambda parameters: torch.optim.Adam(parameters, lr=0.01)),
    "encoder": (Encoder, lambda parameters: torch.optim.Adam(parameters, lr=0.001)),
}
