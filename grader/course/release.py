"""`make release DEST=folder`: a tree for students, and never over their work.

DEST/.release.json remembers what was given.  With FORCE=1 a later release goes over an earlier one.
A file that was changed since is somebody's work and is not lost: one of labs/ stays as it is, and the
new skeleton lies beside it as NAME.new; any other goes to NAME.yours.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from grader.course import compiled, handout, leaks, manifest
from grader.course.handout import Given
from grader.errors import GraderError
from grader.labs import find_labs
from grader.options import Options
from grader.paths import ROOT, shown, write_text

RECORD = ".release.json"
SCHEMA = "corral/release/v1"
KEPT_BY_GIT = (".git",)


def release_command(options: Options) -> int:
    """Writes the tree: made and searched beside, then moved into its place."""
    target = _target(options)
    before = _record(target, options.force)
    the = handout.course(options.with_base)
    files = handout.files(the)
    with tempfile.TemporaryDirectory(prefix="corralrelease-") as scratch:
        files |= compiled.objects(the.compiled, Path(scratch) / "made")
        tree = Path(scratch) / "tree"
        for name, given in files.items():
            _put(tree / name, given)
        find_labs([tree])           # it is a tree of the course
        refuse_leaks(tree)
    try:
        said = _lay(target, files, before)
    except OSError as error:
        raise GraderError(f"{target} cannot be written ({error.strerror}): give yourself the right "
                          "to, or choose another DEST") from None
    for line in said:
        print(line)
    labs = ", ".join(str(lab.number) for lab in the.labs)
    base = ", ".join(str(lab.number) for lab in the.compiled)
    print(f"written: {target}, {len(files)} files, lab {labs}"
          + (f"; compiled: lab {base}" if base else ""))
    print("no three lines of a solution are in it; `git init` makes it a repository")
    return 0


def refuse_leaks(tree: Path) -> None:
    """GraderError if a file of the tree holds a piece of a solution."""
    found = leaks.search(tree, leaks.pieces(lab for lab in find_labs().values()
                                            if (lab.root / "solutions" / lab.slug).is_dir()))
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise GraderError(f"nothing was written: {found[0].where} holds lines of {found[0].origin}"
                          f"{more}; take them out")


def _target(options: Options) -> Path:
    """DEST, checked."""
    if not options.dest:
        raise GraderError("DEST is missing: say where, such as `make release DEST=../students`")
    target = Path(options.dest).expanduser().resolve()
    if target == ROOT or ROOT in target.parents:
        raise GraderError(f"DEST={options.dest} lies in the instructor's tree: choose a folder "
                          "outside")
    if target.exists() and not target.is_dir():
        raise GraderError(f"DEST={options.dest} is not a folder: choose another")
    return target


def _record(target: Path, force: bool) -> dict[str, str]:
    """What an earlier release gave: name -> hash; empty if there was none."""
    there = [path.name for path in target.iterdir() if path.name not in KEPT_BY_GIT] \
        if target.is_dir() else []
    if not there:
        return {}
    try:
        data = json.loads((target / RECORD).read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise ValueError
        files = {str(name): str(digest) for name, digest in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise GraderError(f"DEST={shown(target)} holds files and is no release: choose an empty "
                          "folder") from None
    if not force:
        raise GraderError(f"DEST={shown(target)} holds a release already: FORCE=1 updates it and "
                          "keeps what was changed there")
    return files


def _lay(target: Path, files: dict[str, Given], before: dict[str, str]) -> list[str]:
    """Writes the files; gives a line for each that somebody had changed."""
    said: list[str] = []
    _refuse_links(target, [*files, *before])
    for name, given in files.items():
        said += _update(target, name, given, before)
    for name in sorted(before.keys() - files.keys()):
        path = target / name
        if _safe(name) and path.is_file():
            if _digest(path.read_bytes()) == before[name]:
                path.unlink()
            else:
                said.append(f"kept: {name}, which this release has no more and somebody has changed")
    record = {"schema": SCHEMA,
              "files": {name: _digest(given.data) for name, given in files.items()}}
    write_text(target / RECORD, json.dumps(record, indent=1) + "\n")
    return said


def _update(target: Path, name: str, given: Given, before: dict[str, str]) -> list[str]:
    """Writes one file, and saves what somebody has made of the one that is there."""
    path = target / name
    if not os.path.lexists(path):
        _put(path, given)
        return []
    if not path.is_file():
        raise GraderError(f"{path} is not a plain file: move it away")
    there = path.read_bytes()
    if there == given.data:
        path.chmod(0o755 if given.program else 0o644)
        return []
    if _same(name, there, before):
        _put(path, given)
        return []
    if name.startswith("labs/") and name != f"labs/{manifest.NAME}":
        if before.get(name) == _digest(given.data):
            return []               # the skeleton is as it was: nothing new to see
        _put(path.with_name(f"{path.name}.new"), given)
        return [f"kept: {name}, which somebody has changed; the new skeleton is {name}.new"]
    saved = _free(path)
    path.replace(saved)
    _put(path, given)
    return [f"replaced: {name}, which somebody has changed; theirs is "
            f"{saved.relative_to(target)}"]


def _same(name: str, there: bytes, before: dict[str, str]) -> bool:
    """Whether a file is as an earlier release gave it; line ends do not count."""
    return before.get(name) in (_digest(there), _digest(there.replace(b"\r\n", b"\n")))


def _free(path: Path) -> Path:
    """NAME.yours, or NAME.yours2, .. if that is taken."""
    for number in range(1, 1000):
        other = path.with_name(f"{path.name}.yours{number if number > 1 else ''}")
        if not os.path.lexists(other):
            return other
    raise GraderError(f"{path}.yours is there many times: move these away")


def _refuse_links(target: Path, names: list[str]) -> None:
    """A link in the folder could lead the release elsewhere."""
    for name in names:
        path = target / name
        while path != target and target in path.parents:
            if path.is_symlink():
                raise GraderError(f"{path} is a symbolic link: move it away")
            path = path.parent


def _safe(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _put(path: Path, given: Given) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(given.data)
    path.chmod(0o755 if given.program else 0o644)
