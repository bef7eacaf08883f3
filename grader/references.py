"""references/: labs that a student's tree holds compiled, for BASE=solutions without solutions/.

references/labN-name/ holds, for each width, labN.o (linked, without debug information) and what the
other labs include of it; `keep`, the symbols that stay global; `stamp`, a hash of the contracts that
it was compiled with.  grader/course/compiled.py makes it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from grader.cells import ARCHES
from grader.errors import GraderError
from grader.labs import Lab
from grader.paths import ROOT, shown

FOLDER = "references"
KEEP, STAMP = "keep", "stamp"


def place_of(lab: Lab) -> Path:
    """Where a lab's compiled reference is, if it is there."""
    return lab.root / FOLDER / lab.slug


def contracts(root: Path = ROOT) -> str:
    """A hash of what an object of a lab depends on."""
    state = hashlib.sha256()
    for path in [*sorted((root / "kernel/include").rglob("*.h")), root / "kernel/offsets.c"]:
        state.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return state.hexdigest()[:16]


def read(lab: Lab) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """(the files by their name, the symbols that stay global).  GraderError if it is of another
    kernel, or not whole."""
    folder = place_of(lab)
    try:
        files = {f"{arch}/{path.name}": path.read_bytes() for arch in ARCHES
                 for path in sorted((folder / arch).iterdir()) if path.is_file()}
        keep = tuple((folder / KEEP).read_text(encoding="ascii").split())
        stamp = (folder / STAMP).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise GraderError(f"{shown(folder)} is not whole ({error}): `git checkout -- "
                          f"{shown(folder)}` brings it back") from None
    if stamp != contracts():
        raise GraderError(f"{shown(folder)} was compiled for other files in kernel/include: ask for a "
                          "new release, or take your changes there back")
    return files, keep
