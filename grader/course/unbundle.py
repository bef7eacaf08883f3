"""`make replay BUNDLE=file`: a case that another machine packed.

A bundle is a file of somebody else.  Its names, sizes and values are checked before anything is
written or run; what runs is its kernel, inside an emulator, and nothing else of it.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader import emulators, evaluate
from grader import replay as replaying
from grader.build import Build
from grader.cells import CELLS
from grader.course import bundle
from grader.errors import GraderError
from grader.evaluate import Grade
from grader.labs import choose, find_labs
from grader.options import COMPILERS, CPUS, OPTIMISE, Options
from grader.paths import report_dir
from grader.report.style import clean
from grader.runner import PREFIX

MOST_PACKED = 64 << 20      # bytes of the file ..
MOST_BYTES = 256 << 20      # .. and of what is in it
MOST_FILES = 4000
PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
NAME = re.compile(rf"bundle\.json|kernel\.elf|corral\.iso|checker\.elf|"
                  rf"tree/(kernel|labs)(/{PART}){{1,6}}\.[chS]")


def replay_bundle(options: Options) -> int:
    """Stops the machine at the bundle's case and starts the debugger there."""
    files = read(Path(options.bundle).expanduser())
    about = checked(files.pop(bundle.ABOUT))
    lab = choose(str(about["lab"]), find_labs())
    test = lab.test(about["test"])
    if test is None:
        raise GraderError(f"BUNDLE={options.bundle}: lab {lab.number} has no test {about['test']} "
                          "here")
    arch, emu = about["cell"].split("/")
    options = replace(options, seed=about["seed"], cpus=about["cpus"], cc=about["cc"],
                      opt=about["opt"], arches=(arch,), emus=(emu,))
    print(f"CASE={about['case']}, {about['cell']}, seed {about['seed']}: "
          f"{clean(about['text']) or test.title}")
    for words in bundle.differences(about):
        print(f"note: {clean(words)}")
    if options.as_text and about["sentences"]:
        print("\n".join(clean(line) for line in about["sentences"]))
        return 0
    emulators.require(about["cell"])
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}bundle-") as place:
        folder = Path(place)
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (folder / "tree").mkdir(exist_ok=True)
        grade = Grade(lab, options, [about["cell"]], [test], about["seed"])
        build = Build(f"lab{lab.number}", arch, folder)
        job = evaluate.job_for(grade, about["cell"], build, [test])
        job.replay = about["moves"]
        return replaying.stop_and_debug(job, about["case"], report_dir() / "replay.log")


def read(path: Path) -> dict[str, bytes]:
    """The files of a bundle by name, all of them checked.  GraderError says what is wrong."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_PACKED + 1)
    except OSError as error:
        raise GraderError(f"BUNDLE={path} cannot be read ({error.strerror}): `make bundle CASE=..` "
                          "writes such a file") from None
    if len(data) > MOST_PACKED:
        raise _unfit(path, "it is larger than a bundle can be")
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            plain = stream.read(MOST_BYTES + 1)
        if len(plain) > MOST_BYTES:
            raise _unfit(path, "it is larger than a bundle can be")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            files = _members(path, archive)
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, RecursionError):
        raise _unfit(path, "it is no tar.gz that can be read") from None
    missing = [name for name in (bundle.ABOUT, *bundle.IMAGES) if name not in files]
    if missing:
        raise _unfit(path, f"{missing[0]} is missing")
    return files


def _members(path: Path, archive: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for member in archive:
        name = "".join(c if c.isprintable() else "?" for c in member.name)[:100]
        if not NAME.fullmatch(member.name) or ".." in member.name:
            raise _unfit(path, f"it holds {name}, which no bundle has")
        if not member.isreg():
            raise _unfit(path, f"{name} is no plain file")
        if member.name in files or len(files) >= MOST_FILES:
            raise _unfit(path, f"it holds {name} twice, or too many files")
        stream = archive.extractfile(member)
        assert stream is not None
        files[member.name] = stream.read()
    for name in files:
        if any(other.startswith(f"{name}/") for other in files):
            raise _unfit(path, f"{name} is a file and a folder")
    return files


def _unfit(path: Path, why: str) -> GraderError:
    return GraderError(f"BUNDLE={path} is not used: {why}")


def checked(data: bytes) -> dict[str, Any]:
    """What a bundle says about itself; every value is possible."""
    try:
        about = json.loads(data)
        if about["schema"] != bundle.SCHEMA:
            raise GraderError(f"the bundle has the format {clean(str(about['schema']))[:40]}, this "
                              f"grader reads {bundle.SCHEMA}: use the tree that it comes from")
        good = (
            re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}[a-z]{0,2}-[0-9]{1,6}", about["case"])
            and re.fullmatch(r"[0-9.a-z]{1,12}", about["test"]) and about["cell"] in CELLS
            and type(about["lab"]) is int and 0 <= about["lab"] < 100
            and re.fullmatch(r"[0-9a-f]{1,16}", about["seed"]) and about["cpus"] in CPUS[1:]
            and type(about["cpus"]) is int and about["cc"] in COMPILERS
            and about["opt"] in OPTIMISE and isinstance(about["moves"], dict)
            and isinstance(about["text"], str) and isinstance(about["grader"], str)
            and all(isinstance(line, str) for line in about["sentences"])
            and all(isinstance(each, str) for pair in about["versions"].items() for each in pair))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise GraderError("the bundle's bundle.json says something impossible: it was not written by "
                          "`make bundle`")
    return about
