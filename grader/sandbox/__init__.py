"""Where code that nobody trusts is compiled and run: the one place that decides what it may touch.

Three kinds.  "" is a person's own tree: builds do not see the rest of it, where the system allows
that.  "bwrap" is for code of others: bubblewrap, and no grade without it.  "container" gives up
only the uid and sets limits, because the platform's container has to do the rest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox import bubblewrap, container, hiding, overfull
from grader.sandbox.limits import BUILD, EMULATOR, TOOL, Limits, uid_to_use

OWN, BWRAP, CONTAINER = "", "bwrap", "container"
KINDS = (OWN, BWRAP, CONTAINER)
WORDS = {
    OWN: "none: the files are your own",
    BWRAP: "bubblewrap: no network, nothing of the host but its toolchain, limits",
    CONTAINER: "the platform's container, a uid without rights, limits; the network is as the "
               "container has it",
}
_kind = OWN
possible = hiding.possible


def use(kind: str) -> None:
    """Sets the kind for this process.  A kind that cannot be had is a GraderError: never less."""
    global _kind
    if kind == BWRAP:
        bubblewrap.require()
    elif kind == CONTAINER:
        container.require()
    _kind = kind


def kind() -> str:
    """The kind that this process uses."""
    return _kind


def strict() -> bool:
    """Whether the code is not this person's own."""
    return _kind != OWN


def hide(argv: list[str], folder: Path, shared: Path) -> list[str]:
    """For one's own code: the command that sees of the tree only its build folder and `shared`."""
    return hiding.wrap(argv, folder, shared)


def build(argv: list[str], folder: Path, given: Path) -> tuple[list[str], Path]:
    """The command that runs make in folder/tree, with OUT=.. and the folder `given` in ../.., and the
    archive that it packs its output into.  Nothing else of the host is written.
    """
    archive = folder / "made.tar"
    archive.write_bytes(b"")
    own(archive)
    if _kind == BWRAP:
        return bubblewrap.build(argv, folder, given, archive), archive
    place = folder / "box" / "lab"
    place.mkdir(parents=True)
    shutil.copytree(folder / "tree", place / "tree")
    for path in folder.glob("*.keep"):
        shutil.copy(path, place)
    shutil.copytree(given, folder / "box" / given.name)
    own(folder / "box")
    return container.build(argv, folder / "box", archive), archive


def tool(argv: list[str], folder: Path | None = None) -> list[str]:
    """The command that runs a tool over the files of a folder, or over what it reads as input."""
    if _kind == BWRAP:
        return bubblewrap.wrap(argv, TOOL, read=[folder] if folder else [], cwd=folder)
    if _kind == CONTAINER:
        return container.wrap(argv, TOOL, cwd=folder)
    return argv


def emulator(argv: list[str], folder: Path, **environment: str) -> list[str]:
    """The command that runs an emulator which may write to its own folder and nothing else.

    `environment` is all that it finds there, beside PATH and the locale.
    """
    if _kind == OWN:
        words = [f"{name}={value}" for name, value in environment.items()]
        return ["env", *words, *argv] if words else argv
    own(folder)
    wrap = bubblewrap.wrap if _kind == BWRAP else container.wrap
    return wrap(argv, EMULATOR, write=[folder], cwd=folder, environment=environment)


def watch(process: subprocess.Popen, folder: Path) -> None:
    """Ends a sandboxed emulator that fills its folder."""
    if strict():
        overfull.watch(process, folder)


def lend(source: Path, target: Path) -> None:
    """Puts a file where an emulator finds it: a link for one's own, a copy where nothing else is
    shown."""
    if _kind == OWN:
        target.symlink_to(source.resolve())
    else:
        shutil.copyfile(source, target)


def own(folder: Path) -> None:
    """Gives a file, or a folder and all in it, to the uid of the sandbox, if that is another."""
    uid = uid_to_use()
    if not strict() or uid == os.getuid():
        return
    for path in (folder, *(folder.rglob("*") if folder.is_dir() else ())):
        os.chown(path, uid, uid, follow_symlinks=False)


def check_place(folder: Path) -> None:
    """GraderError if the uid of the sandbox cannot reach a build folder."""
    if strict() and not container.readable(folder):
        raise GraderError(f"{folder} cannot be entered by the sandbox's user, who is not root: "
                          "say CORRAL_BUILD=/tmp/a-folder, or open the folders above it")


def readable(path: Path) -> bool:
    """Whether the uid of the sandbox could read a file or list a folder, were it shown."""
    return container.readable(path)


__all__ = [
    "BUILD", "BWRAP", "CONTAINER", "EMULATOR", "KINDS", "OWN", "TOOL", "WORDS", "Limits", "build",
    "check_place", "emulator", "hide", "kind", "lend", "own", "possible", "readable", "strict",
    "tool", "use", "watch"]
