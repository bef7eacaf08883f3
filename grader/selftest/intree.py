"""Types commands in a tree, as a person would who has set no variable of Corral's, and warms build
folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from grader import build as building
from grader.paths import build_dir


def run(tree: Path, *words: str, **environment: str) -> tuple[int, str]:
    """`python3 -m grader` of a tree; (exit code, what it printed), which is no traceback."""
    return _typed([sys.executable, "-m", "grader", *words], tree, environment)


def type_line(tree: Path, line: str, **environment: str) -> tuple[int, str]:
    """A line for the shell, in this tree or one like it, with the given kernel that all tests share;
    (exit code, what it printed), which is no traceback."""
    given = {name: os.environ[name] for name in ("CORRAL_GIVEN",) if name in os.environ}
    return _typed(["sh", "-c", line], tree, {"PYTHON": sys.executable, **given, **environment})


def _typed(argv: list[str], tree: Path, environment: dict[str, str]) -> tuple[int, str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(argv, cwd=tree, text=True, capture_output=True, check=False,
                          env=clean | environment, stdin=subprocess.DEVNULL)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def warm(place: Path) -> Path:
    """Makes a build folder that holds what is compiled of the given kernel, and nothing else."""
    place.mkdir()
    for folder in build_dir().glob("kernel-*"):
        with building.locked(folder, shared=True):
            shutil.copytree(folder, place / folder.name, ignore=shutil.ignore_patterns("lock"))
    return place
