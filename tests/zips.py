"""Zips for tests, made as other programs make them, well or badly."""

import io
import struct
import zipfile
from pathlib import Path

from PIL import Image


def picture(colour=(120, 90, 60), side=8, suffix="png") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, suffix)
    return out.getvalue()


def zipped(files, *, packing=zipfile.ZIP_DEFLATED, **kinds) -> io.BytesIO:
    """files: name -> bytes. kinds: name's attribute of ZipInfo -> value, for all of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = packing
            for key, value in kinds.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    out.seek(0)
    return out


def pets(each=2, folder="") -> dict[str, bytes]:
    return {
        f"{folder}{kind}/{n}.png": picture((n, 40 * (kind == "cat"), 60))
        for kind in ("cat", "dog")
        for n in range(each)
    }


def in_code_page(names, encoding) -> io.BytesIO:
    """A zip as Windows makes it: names in the code page of a country, and no word about which."""
    stand_ins = {f"{number:03d}".ljust(len(name.encode(encoding)), "_"): name for number, name in enumerate(names)}
    content = zipped({stand_in: picture((number, 0, 0)) for number, stand_in in enumerate(stand_ins)}).getvalue()
    for stand_in, name in stand_ins.items():
        assert content.count(stand_in.encode()) == 2
        content = content.replace(stand_in.encode(), name.encode(encoding))
    return io.BytesIO(content)


def patched(stream, name, at, layout, value, *, local=None) -> io.BytesIO:
    """Another value in an entry's line of the list of contents, and at `local` in its own header.

    at, local: offsets from the signatures. Source: APPNOTE 4.3.7 and 4.3.12.
    """
    content = bytearray(stream.getvalue())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry, place = archive.getinfo(name), archive.start_dir
    while content[place + 46 : place + 46 + len(name)] != name.encode():
        place += 46 + sum(struct.unpack_from("<HHH", content, place + 28))
    struct.pack_into(layout, content, place + at, value)
    if local is not None:
        struct.pack_into(layout, content, entry.header_offset + local, value)
    return io.BytesIO(bytes(content))


FLAGS, PACKING, UNPACKED_SIZE, HEADER = 8, 10, 24, 42  # offsets in the list of contents
LOCAL_FLAGS, LOCAL_PACKING, LOCAL_UNPACKED_SIZE = 6, 8, 22


def everything_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
