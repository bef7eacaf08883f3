"""Reads one archive of a stranger.  Runs in the sandbox, alone: `python3 -I -c SOURCE < archive`.

Nothing is unpacked to a disk.  Printed is JSON: the names of all entries with what each is, and the
bytes of those that may be a lab's file.  A bomb costs no more than the limits below.
"""

import base64
import json
import lzma
import stat
import sys
import tarfile
import zipfile
import zlib

SUFFIXES = (".c", ".h", ".S")
MAX_FILE = 1 << 20          # bytes of one file; one more is read, so that the caller sees it
MAX_ALL = 16 << 20          # bytes of all files that are kept
MAX_NAMES = 20_000
MAX_TAR = 512 << 20         # bytes that a tar may unpack to
FILE, FOLDER, LINK, OTHER = "100644", "040000", "120000", "other"    # as git calls the first three


class Refused(Exception):
    """The archive as a whole is not read; the text says why."""


class Listing:
    """What the archive holds."""

    def __init__(self):
        self.entries = []       # [name, kind, size, base64 or None]
        self.kept = 0

    def add(self, name, kind, size, read):
        """`read(n)` gives at most n bytes of a plain file."""
        if len(self.entries) >= MAX_NAMES:
            raise Refused("it holds more than %d names" % MAX_NAMES)
        data = None
        if kind == FILE and name.endswith(SUFFIXES):
            data = read(MAX_FILE + 1)
            size = max(size, len(data))
            self.kept += len(data)
            if self.kept > MAX_ALL:
                raise Refused("its source files are larger than %d MiB" % (MAX_ALL >> 20))
        text = None if data is None else base64.b64encode(data).decode("ascii")
        self.entries.append([name, kind, size, text])


class Capped:
    """A stream of a tar that ends with Refused after so many bytes."""

    def __init__(self, stream):
        self.stream = stream
        self.left = MAX_TAR

    def read(self, size=-1):
        data = self.stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self.left -= len(data)
        if self.left < 0:
            raise Refused("it unpacks to more than %d MiB" % (MAX_TAR >> 20))
        return data


def read_zip(stream, listing):
    with zipfile.ZipFile(stream) as packed:
        for info in packed.infolist():
            listing.add(info.filename, zip_kind(info), info.file_size,
                        lambda most, info=info: zip_bytes(packed, info, most))


def zip_kind(info):
    """What an entry is; only archives that were made on Unix say so."""
    if info.is_dir():
        return FOLDER
    mode = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if mode in (0, stat.S_IFREG):
        return FILE
    return LINK if mode == stat.S_IFLNK else OTHER


def zip_bytes(packed, info, most):
    if info.flag_bits & 1:
        raise Refused("it is encrypted")
    with packed.open(info) as inside:
        return inside.read(most)


def read_tar(stream, listing):
    """A tar in whatever it is packed; one pass, and no going back."""
    head = stream.read(6)
    stream.seek(0)
    if head[:2] == b"\x1f\x8b":
        import gzip
        stream = gzip.GzipFile(fileobj=stream)
    elif head[:3] == b"BZh":
        import bz2
        stream = bz2.BZ2File(stream)
    elif head == b"\xfd7zXZ\0":
        stream = lzma.LZMAFile(stream)
    with tarfile.open(fileobj=Capped(stream), mode="r|", errorlevel=2) as packed:
        for member in packed:
            kind = FILE if member.isreg() and not member.issparse() else (
                FOLDER if member.isdir() else
                LINK if member.issym() or member.islnk() else OTHER)
            listing.add(member.name, kind, member.size,
                        lambda most, member=member: packed.extractfile(member).read(most))


def main():
    listing = Listing()
    stream = open(0, "rb", closefd=False)
    problem = ""
    try:
        if stream.read(4)[:2] == b"PK":
            read_zip(stream, listing)
        else:
            stream.seek(0)
            read_tar(stream, listing)
    except Refused as error:
        problem = str(error)
    except MemoryError:
        problem = "it takes too much memory"
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError,
            ValueError, RuntimeError, NotImplementedError, IndexError, KeyError, OverflowError,
            AttributeError, TypeError) as error:
        problem = "it is no zip or tar that can be read whole (%s)" % type(error).__name__
    json.dump({"problem": problem, "entries": listing.entries}, sys.stdout)


if __name__ == "__main__":
    main()
