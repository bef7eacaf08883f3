"""Compiles what is preloaded into an emulator, once for each user, and never half."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from grader import sandbox
from grader.errors import GraderError
from grader.paths import build_dir

SOURCES = {
    "bochs": ("bochs_fork.c", "bochs_run.h", "bochs_calls.h"),
    "qemu": ("qemu_stop.c",),
}
FLAGS = ["-shared", "-fPIC", "-O2"]


def shim(emulator: str) -> Path:
    """The shared object, made at first use; its name is a hash of the source and the user."""
    sources = [Path(__file__).with_name(name) for name in SOURCES[emulator]]
    text = b"".join(source.read_bytes() for source in sources) + str(os.getuid()).encode()
    key = hashlib.sha256(text).hexdigest()[:16]
    for folder in (build_dir() / "cache", Path("/tmp") / f"corral-cache-{os.getuid()}"):
        target = folder / f"{sources[0].stem}-{key}.so"
        try:        # the folder may be another user's
            if target.exists() and target.stat().st_uid == os.getuid():
                return target
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid == os.getuid():
                return _compile(folder, sources[0], target)
        except OSError:
            continue
    raise GraderError("there is no folder to build the emulators' helpers in: make build/ writable")


def preloaded(emulator: str, folder: Path) -> str:
    """Puts it into the emulator's folder, and gives what LD_PRELOAD says: a list with spaces and colons
    between its entries, and a checkout may have both."""
    target = folder / "preload.so"
    sandbox.lend(shim(emulator), target)
    return str(target)


def _compile(folder: Path, source: Path, target: Path) -> Path:
    if shutil.which("gcc") is None:
        raise GraderError("gcc is not installed: run ./setup (package gcc)")
    descriptor, name = tempfile.mkstemp(suffix=".so", dir=folder)
    os.close(descriptor)
    try:
        done = subprocess.run(["gcc", *FLAGS, "-o", name, str(source), "-ldl"],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise GraderError(f"{source.name} does not compile: {done.stderr.strip()[:300]}")
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    return target
