"""Builds a lab's kernel for one width, in a folder that no other content shares.

build/labN-ARCH-KEY/ holds kernel.elf, corral.iso and tree/, where KEY is a hash of everything
that changes the output.  The given kernel's objects lie in build/kernel-ARCH-KEY/ and serve all
labs.  Both folders are locked while somebody writes them.  A new folder begins as a copy of the
last one that differs in the contents of the labs' files alone: make knows what is old in it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from grader import archived, blame, compilelog, contract, processes, sandbox
from grader.errors import GraderError
from grader.holes import Hole, read_holes
from grader.labs import Lab
from grader.options import Options
from grader.paths import ROOT, build_dir, given_dir, make_folder, shown
from grader.sources import Refused, Source

TOOLS = ("make", "ld", "objcopy", "readelf", "grub-mkimage", "xorriso", "setpriv")
KEEP = 24               # build folders that stay
RECENT = 900            # seconds after its last use in which a folder is not removed
WALL_SECONDS = 240      # a build that takes longer is stopped
MOST_OUTPUT = 4 << 20   # bytes that a build may print
TAIL = 1 << 16          # of a build that was stopped, what is looked at
LIMITS = "ulimit -t 120; ulimit -f 524288; ulimit -v 4194304; ulimit -c 0; exec \"$@\""
TREE_DIRS = ("kernel",)
PRODUCTS = ("kernel.elf", "corral.iso", "build.json", "build.log")


@dataclass
class Build:
    """What came out.  `problem` is empty when there is a kernel to run."""

    lab: str
    arch: str
    folder: Path
    problem: str = ""                              # one sentence: why there is no kernel
    details: list[str] = field(default_factory=list)     # the compiler's first errors
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    seconds: float = 0.0
    fresh: bool = True                             # False: nothing had changed
    alike: str = ""                                # equal: only what is in the labs' files differs

    @property
    def elf(self) -> Path:
        return self.folder / "kernel.elf"

    @property
    def iso(self) -> Path:
        return self.folder / "corral.iso"


@contextmanager
def friendly_errors(folder: Path) -> Iterator[None]:
    """Turns the errors of a build folder that cannot be written into sentences."""
    try:
        yield
    except OSError as error:
        name = shown(folder)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise GraderError(f"the disk of {name} is full: make room, or remove {name}") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise GraderError(f"{name} cannot be written ({error.strerror}): give yourself the "
                              "right to, or copy the tree elsewhere") from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            raise GraderError(f"{name} is not a folder: move that file away") from error
        raise


@contextmanager
def locked(folder: Path, shared: bool = False, wait: bool = True) -> Iterator[bool]:
    """Holds the folder's lock; gives False if it is taken and `wait` is False."""
    with open(make_folder(folder) / "lock", "w", encoding="ascii") as stream:
        mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(stream, mode)
        except BlockingIOError:
            yield False
            return
        yield True


def check_tools(options: Options) -> None:
    """A tool that is missing is a sentence before anything starts."""
    for tool in (*TOOLS, options.cc):
        if shutil.which(tool) is None:
            raise GraderError(f"{tool} is not installed: run ./setup")


def build(lab: Lab, arch: str, sources: list[Source], options: Options) -> Build:
    """Builds one width.  The student's mistakes are in the result; others raise GraderError."""
    started = time.monotonic()
    top = build_dir()
    with friendly_errors(top):
        tools = _tools_hash(options)
        contents = _contents()
        kernel = _tree_hash(contents)
        key = _hash(lab.number, arch, options.cc, options.opt, tools, kernel, sandbox.kind(),
                    *(s.digest() for s in sources))
        shared = _hash(arch, options.cc, options.opt, tools)
        folder = top / f"lab{lab.number}-{arch}-{key}"
        with locked(folder):
            result = _load(folder)
            if result is None:
                alike = _hash(shared, kernel, sandbox.kind(),
                              *(f"{s.label}/{name}" for s in sources for name in sorted(s.files)))
                _empty(folder)
                if not sandbox.strict():    # there nobody's build leaves anything for the next one
                    _begin_like_another(folder, alike)
                _write_tree(folder, sources)
                result = _make(folder, lab, arch, sources, options,
                               top / f"kernel-{arch}-{shared}", contents)
                result.alike = alike
                _save(result)
            os.utime(folder / "lock")
    result.seconds = time.monotonic() - started
    return result


def remember(lab: Lab) -> None:
    """Makes this the lab that `make grade` takes."""
    with friendly_errors(build_dir()):
        (make_folder(build_dir()) / "current").write_text(f"{lab.number}\n", encoding="ascii")


def tidy() -> None:
    """Removes the oldest build folders, unless somebody uses them or has just done so."""
    with friendly_errors(build_dir()):
        locks = sorted(build_dir().glob("lab*/lock"), key=_age, reverse=True)
        for lock in locks[KEEP:]:
            if _age(lock) > time.time() - RECENT:
                continue
            with locked(lock.parent, wait=False) as free:
                if free:
                    shutil.rmtree(lock.parent, ignore_errors=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _hash(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:8]


def _tools_hash(options: Options) -> str:
    """Changes when a tool is replaced: its real path, size and time."""
    parts = []
    for tool in (options.cc, *TOOLS):
        path = os.path.realpath(shutil.which(tool) or tool)
        info = os.stat(path)
        parts += [path, info.st_size, info.st_mtime_ns]
    return _hash(*parts)


def _given_files() -> list[Path]:
    return [path for name in TREE_DIRS for path in sorted((ROOT / name).rglob("*"))
            if path.is_file() and not path.name.startswith(".")]


def _contents() -> dict[str, str]:
    """The given kernel's sources: a hash of each."""
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in _given_files()}


def _tree_hash(contents: dict[str, str]) -> str:
    """A hash of all of them."""
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:16]


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _begin_like_another(folder: Path, alike: str) -> None:
    """Copies the youngest folder whose build was alike and without fault, with its files' times.

    One that had a warning does not serve: who does not compile that file again is not warned again.
    """
    name = folder.name.rpartition("-")[0]
    for lock in sorted(folder.parent.glob(f"{name}-*/lock"), key=_age, reverse=True):
        if lock.parent == folder:
            continue
        with locked(lock.parent, shared=True, wait=False) as free:
            other = _load(lock.parent) if free else None
            if other and other.alike == alike and not other.problem and not other.warnings:
                try:
                    shutil.copytree(lock.parent, folder, dirs_exist_ok=True,
                                    ignore=shutil.ignore_patterns("lock", "hold", *PRODUCTS))
                except (OSError, shutil.Error):     # somebody removed it meanwhile
                    _empty(folder)
                    continue
                return


def _write_tree(folder: Path, sources: list[Source]) -> None:
    """Lays out the tree that is compiled: kernel/ and the labs, and nothing else.  What is there
    already keeps its time."""
    tree = folder / "tree"
    if not tree.exists():
        _write_kernel(tree)
    for source in sources:
        place = tree / source.label
        place.mkdir(parents=True, exist_ok=True)
        for name, data in source.files.items():
            (place / name).parent.mkdir(exist_ok=True)
            _write_changed(place / name, data)
        keep = "".join(f"{symbol}\n" for symbol in source.keep or source.lab.symbols)
        _write_changed(folder / f"lab{source.lab.number}.keep", keep.encode("ascii"))


def _write_kernel(tree: Path) -> None:
    """Copies kernel/."""
    for path in _given_files():
        target = tree / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _date_kernel(tree: Path, contents: dict[str, str], compiled: dict[str, str]) -> None:
    """Makes those files older than all objects whose contents were compiled, and the others younger:
    a checkout changes times, and make believes them."""
    for name, content in contents.items():
        os.utime(tree / name, (1, 1) if compiled.get(name) == content else None)


def _write_changed(path: Path, data: bytes) -> None:
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def _make(folder: Path, lab: Lab, arch: str, sources: list[Source], options: Options,
          shared: Path, contents: dict[str, str]) -> Build:
    """Runs kernel.mk.  What no lab changes is compiled before, once for all builds."""
    tree = folder / "tree"
    if sandbox.strict():
        shared = _given(shared, lab, arch, sources, options, _tree_hash(contents))
        _date_kernel(tree, contents, contents)
        return _make_locked(folder, lab, arch, sources, options, shared)
    stamp = make_folder(shared) / "ready"
    with locked(shared, shared=True):       # builds of one kernel do not wait for each other
        if _compiled(stamp) == contents:
            _date_kernel(tree, contents, contents)
            return _make_locked(folder, lab, arch, sources, options, shared)
    with locked(shared):
        compiled = _compiled(stamp)
        if compiled != contents:
            _date_kernel(tree, contents, compiled)
            stamp.unlink(missing_ok=True)
            argv = [*_make_words(lab, arch, sources, options), *_places(shared), "given"]
            if _run(_limited(argv), tree)[0] == 0:      # else the build below says what is wrong
                compiled = contents
                stamp.write_text(json.dumps(contents), encoding="ascii")
        if compiled == contents:
            _date_kernel(tree, contents, contents)
        return _make_locked(folder, lab, arch, sources, options, shared)


def _places(shared: Path) -> list[str]:
    """Where kernel.mk puts things, seen from the tree."""
    return ["OUT=..", f"KOBJ=../../{shared.name}/objects"]


def _compiled(stamp: Path) -> dict[str, str]:
    """The contents from which the shared objects were made."""
    try:
        return json.loads(stamp.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}


def _make_words(lab: Lab, arch: str, sources: list[Source], options: Options) -> list[str]:
    return ["make", "-f", "kernel/kernel.mk", "-j2", "-Otarget", f"ARCH={arch}", f"CC={options.cc}",
            f"OPT={options.opt}", f"STAGE={lab.number}", "LABS=" + " ".join(s.label for s in sources)]


def _given(shared: Path, lab: Lab, arch: str, sources: list[Source], options: Options,
           kernel: str) -> Path:
    """The given kernel's objects for builds of others' code: made without any of it, and read-only
    there."""
    place = make_folder(given_dir())
    if not sandbox.readable(place):
        place = shared.parent
    folder = place / f"{shared.name.replace('kernel', 'given')}-{kernel}"
    stamp = make_folder(folder) / "ready"
    with locked(folder):
        if not stamp.exists():
            _empty(folder)
            tree = folder / "tree"
            _write_kernel(tree)
            argv = [*_make_words(lab, arch, sources, options), "OUT=../out", "KOBJ=../objects", "given"]
            code, log = _run(_limited(argv), tree)
            if code:
                raise GraderError(f"the given kernel does not build: {log.strip()[-300:]}")
            shutil.rmtree(tree)
            stamp.touch()
    return folder


def _make_locked(folder: Path, lab: Lab, arch: str, sources: list[Source], options: Options,
                 shared: Path) -> Build:
    argv = [*_make_words(lab, arch, sources, options), *_places(shared), "all"]
    if sandbox.strict():
        sandbox.check_place(folder)
        command, archive = sandbox.build(argv, folder, shared)
        code, log = _run(command, folder)
        code, log = archived.unpack(archive, folder, code, log)
    else:
        code, log = _run(_limited(sandbox.hide(argv, folder, shared)), folder / "tree")
    (folder / "build.log").write_text(log, encoding="utf-8")
    result = Build(f"lab{lab.number}", arch, folder)
    result.notes = [note for source in sources for note in source.notes]
    result.warnings = [f"{m.place}: {m.text}" for m in compilelog.warnings(log)
                       if m.file.startswith(tuple(s.label for s in sources))]
    trouble = contract.examine(folder, sources, code == 0)
    if code or trouble:
        blame.explain(result, log, sources, trouble)
        return result
    result.holes = read_holes(result.elf)
    return result


def _limited(argv: list[str]) -> list[str]:
    return ["sh", "-c", LIMITS, "sh", *argv]


def _run(argv: list[str], cwd: Path) -> tuple[int, str]:
    """Runs make; gives its exit code and what was printed, which is capped while it is read."""
    process = processes.start(argv, cwd=cwd, env=processes.clean_environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    output, trouble = processes.read_capped(process, MOST_OUTPUT, WALL_SECONDS)
    text = output.decode("utf-8", "replace")
    if trouble:
        return 1, f"{text[:TAIL]}\nthe build {trouble} and was stopped\nKilled\n"
    return process.returncode, text


def _save(result: Build) -> None:
    """Marks the folder as complete."""
    data = asdict(result) | {"folder": ""}
    (result.folder / "build.json").write_text(json.dumps(data), encoding="utf-8")


def _load(folder: Path) -> Build | None:
    """The result of an earlier build in this folder, if it is complete."""
    try:
        data = json.loads((folder / "build.json").read_text(encoding="utf-8"))
        data["holes"] = [Hole(**hole) for hole in data["holes"]]
        result = Build(**data | {"folder": folder, "fresh": False})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if result.problem or result.elf.exists() and result.iso.exists():
        return result
    return None


def refused(lab: Lab, arch: str, error: Refused) -> Build:
    """The result for files that are not even compiled."""
    return Build(f"lab{lab.number}", arch, build_dir(), problem=str(error), details=[str(error)])
