"""Where things are in the tree."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build_dir() -> Path:
    """The folder of everything that is made.  CORRAL_BUILD moves it (the self-tests do)."""
    return Path(os.environ.get("CORRAL_BUILD") or ROOT / "build")


def report_dir() -> Path:
    """The folder of the last report.  CORRAL_REPORT moves it alone."""
    return Path(os.environ.get("CORRAL_REPORT") or build_dir() / "report")


def given_dir() -> Path:
    """Where the given kernel's objects lie that builds of others' code use.  CORRAL_GIVEN moves it: many
    grades that each have a build folder of their own share these, whose name tells what is in them."""
    return Path(os.environ.get("CORRAL_GIVEN") or build_dir()).resolve()


def lab_roots() -> list[Path]:
    """The tree itself, then each folder of LABS_PATH (separated by colons)."""
    extra = [Path(p).expanduser().resolve() for p in os.environ.get("LABS_PATH", "").split(":") if p]
    return [ROOT, *extra]


def shown(path: Path) -> str:
    """The path as a person in the tree would type it."""
    try:
        return str(Path(path).resolve().relative_to(ROOT))
    except ValueError:
        return str(path)


def make_folder(path: Path) -> Path:
    """Creates a folder under build/; OSError is turned into a sentence by the caller."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all: a reader never sees half of it."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
