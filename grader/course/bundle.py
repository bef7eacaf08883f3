"""`make bundle CASE=..`: one file with which another machine replays a case.

In it: the kernel and its boot image, the ring-3 program of the tests, the case's moves, the sources
of its listing, and what it was made with.  Neither solutions/ nor the host's side: the other machine
has a grader of its own.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from typing import Any

from grader import doctor, replay
from grader.build import Build
from grader.options import Options
from grader.paths import ROOT, build_dir, make_folder, shown

SCHEMA = "corral/bundle/v1"
ABOUT = "bundle.json"
IMAGES = ("kernel.elf", "corral.iso", "checker.elf")
TOOLS = {"qemu": ("qemu-system-x86_64", "qemu-system-i386"), "bochs": ("bochs-bin",)}


def bundle_command(options: Options) -> int:
    """Writes build/bundle-CASE.tar.gz."""
    chosen = replay.prepared(options)
    if chosen is None:
        return 1
    ident, entry, cell, grade = chosen
    test, options = grade.tests[0], grade.options
    about = {
        "schema": SCHEMA, "case": ident, "test": test.id, "text": entry["text"], "cell": cell,
        "lab": grade.lab.number, "seed": grade.seed, "cpus": grade.cpus, "cc": options.cc,
        "opt": options.opt, "from": options.source, "moves": entry["cells"][cell],
        "sentences": replay.sentences(ident), "versions": versions(cell, options.cc),
        "grader": grader_hash(),
    }
    target = make_folder(build_dir()) / f"bundle-{ident}.tar.gz"
    members = {ABOUT: (json.dumps(about, indent=1) + "\n").encode(), **_files(grade.builds[cell.split("/")[0]])}
    target.write_bytes(packed(members))
    print(f"written: {shown(target)}, {cell}; there: make replay BUNDLE={target.name}")
    return 0


def _files(build: Build) -> dict[str, bytes]:
    """The images, and the sources that the listing shows; of solutions/ nothing."""
    found = {name: (build.folder / name).read_bytes() for name in IMAGES}
    for top in ("kernel", "labs"):
        for path in sorted((build.folder / "tree" / top).rglob("*")):
            if path.is_file() and re.fullmatch(r"[A-Za-z0-9_.-]+", path.name) \
                    and path.suffix in (".c", ".h", ".S"):
                found[f"tree/{path.relative_to(build.folder / 'tree')}"] = path.read_bytes()
    return found


def packed(members: dict[str, bytes]) -> bytes:
    """A tar.gz without dates or names of users: the same case gives the same file."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def versions(cell: str, cc: str) -> dict[str, str]:
    """Of the tools that made the case."""
    arch, emu = cell.split("/")
    emulator = next((name for name in TOOLS[emu] if name.endswith(arch)), TOOLS[emu][0])
    return doctor.versions(emulator, cc, "ld")


def grader_hash() -> str:
    """Changes with what replays a case: the host's side and its tests."""
    state = hashlib.sha256()
    for folder in ("explore", "machine", "tests"):
        for path in sorted((ROOT / "grader" / folder).rglob("*.py")):
            state.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return state.hexdigest()[:16]


def differences(about: dict[str, Any]) -> list[str]:
    """Why the case may look different here: a sentence each."""
    words = []
    if about["grader"] != grader_hash():
        words.append("the bundle was made by another grader: its case may be gone here")
    here = versions(about["cell"], about["cc"])
    for name, version in about["versions"].items():
        emulator = any(name in names for names in TOOLS.values())
        if emulator and here.get(name) != version:
            words.append(f"the bundle was made with {name} {version}, here is {here.get(name)}")
    return words
