"""A lab that may look in one folder, and beside it a folder of photos, tables and weights that it must never open."""

import hashlib
import os

import numpy as np
import openpyxl
import safetensors.numpy

from tests.moving import draw_dataset
from tests.photos import draw


class Hidden:
    """allowed: the folder that lab.toml names, with links that lead out. outside: what must stay closed.

    ways: paths, as people type them, that mean something outside. hashes: of the photos there.
    """

    def __init__(self, folder):
        self.folder, self.allowed, self.outside = folder, folder / "allowed", folder / "outside"
        for number, name in enumerate(("cat", "dog")):
            for n in range(3):
                draw(self.allowed / "faces" / name / f"{n}.png", (n, number, 200))
                draw(self.outside / "faces" / name / f"{n}.png", (n, number, 11))
        draw_dataset(self.outside / "parts")
        rows = "".join(f"faces/{name}/{n}.png,{name}\n" for name in ("cat", "dog") for n in range(3))
        (self.outside / "labels.csv").write_text(f"path,label\n{rows}")
        (self.outside / "list.txt").write_text(rows.replace(",", " "))
        book = openpyxl.Workbook()
        for row in rows.splitlines():
            book.active.append(row.split(","))
        book.save(self.outside / "book.xlsx")
        safetensors.numpy.save_file({"fc.bias": np.zeros(2)}, self.outside / "weights.safetensors")
        (self.outside / "weights.pth").write_bytes(b"weights")
        self.links = {
            "out": self.outside,
            "again": self.allowed / "out",
            "faces/out": self.outside / "faces",
            "photo.png": self.outside / "faces" / "cat" / "0.png",
            "labels.csv": self.outside / "labels.csv",
            "weights.safetensors": self.outside / "weights.safetensors",
        }
        for name, target in self.links.items():
            (self.allowed / name).symlink_to(target)
        inside = ["", "faces", "faces/cat", "faces/cat/0.png", "parts", "labels.csv", "list.txt", "book.xlsx"]
        inside += ["weights.safetensors", "weights.pth"]
        self.ways = [str(self.outside / name) for name in inside]
        self.ways += [f"{self.allowed}/out/{name}" for name in inside] + [
            f"{self.allowed}/{name}" for name in self.links
        ]
        self.hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.outside.rglob("*.png")}

    def written(self, way, how):
        """The same way out, written in another manner."""
        relative = os.path.relpath(way, self.allowed)
        return {
            "as it is": way,
            "file://": f"file://{way}",
            "file:": f"file:{way}",
            "proc": f"/proc/self/root{way}",
            "up": f"{self.allowed}/{relative}",
            "up and down": f"{self.allowed}/faces/cat/../../{relative}",
            "slash": f"{way}/",
            "dot": f"{way}/.",
            "two": f"/{way}",
            "many": way.replace("/", "//"),
            "from here": os.path.relpath(way),
            "home": os.path.join("~", os.path.relpath(way, os.path.expanduser("~"))),
            "NUL": f"{way}\0",
            "line": f"{way}\n",
            "quoted": way.replace("/", "%2F"),
            "windows": way.replace("/", "\\"),
        }[how]


WRITTEN = ("as it is", "file://", "file:", "proc", "up", "up and down", "slash", "dot", "two", "many", "from here")
WRITTEN += ("home", "NUL", "line", "quoted", "windows")
