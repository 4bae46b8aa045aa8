"""Usage: extract.py WHEEL FOLDER. Takes TensorFlow's libraries (lib/) and the headers of its C interface (include/) out of a wheel."""

from __future__ import annotations

import pathlib
import shutil
import sys
import zipfile

LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
HEADERS = (
    "include/tensorflow/c/",
    "include/tensorflow/core/platform/ctstring",
    "include/tensorflow/tsl/",
)


def target(name: str) -> str | None:
    inside = name.removeprefix("tensorflow/")
    if inside in LIBRARIES:
        return f"lib/{inside}"
    return inside if inside.startswith(HEADERS) and inside.endswith(".h") else None


wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for name in wheel.namelist():
    path = target(name)
    if path is None:
        continue
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(name) as packed, open(folder / path, "wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
