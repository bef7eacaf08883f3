"""labs/.skeletons.json: which files were generated, and the hashes of every version of them.

A file whose hash is listed is a skeleton that nobody has edited; any other is a student's work.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from grader.errors import GraderError
from grader.labs import Lab
from grader.paths import shown, write_text

NAME = ".skeletons.json"
KEEP = 50   # versions remembered of one file


def path_of(root: Path) -> Path:
    return root / "labs" / NAME


def digest(data: bytes) -> str:
    """The hash of a file; line ends do not count."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:16]


def load(root: Path) -> dict[str, list[str]]:
    """"lab1-stack-switch/tss.c" -> hashes, newest last; empty if there is no manifest."""
    path = path_of(root)
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): [str(h) for h in hashes] for name, hashes in data.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise GraderError(f"{shown(path)} is damaged: bring it back with git") from error


def save(root: Path, manifest: dict[str, list[str]]) -> None:
    """Writes the manifest, one file a line."""
    write_text(path_of(root), text(manifest))


def text(manifest: dict[str, list[str]]) -> str:
    """The manifest as it is written."""
    lines = [f"  {json.dumps(name)}: {json.dumps(hashes[-KEEP:])}"
             for name, hashes in sorted(manifest.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def names_of(lab: Lab) -> set[str]:
    """The file names that the manifest lists for a lab."""
    prefix = lab.slug + "/"
    return {name.removeprefix(prefix) for name in load(lab.root) if name.startswith(prefix)}
