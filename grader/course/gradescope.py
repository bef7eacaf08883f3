"""Gradescope: `make gradescope` writes the autograder's zip, `autograde` runs inside it."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

from grader import hidden, knobs, references, sandbox
from grader.errors import GraderError
from grader.grade import grade_command
from grader.labs import choose, find_labs
from grader.options import Options, arguments_of
from grader.paths import ROOT, build_dir, make_folder, report_dir, shown
from grader.report import gradescope

TREE = ("grader", "kernel", "labs", "references", "setup", "Makefile", "LICENSE", "README.md")
LEFT_OUT = ("__pycache__", ".pytest_cache", "selftest")
SETUP = """\
#!/bin/sh
# Gradescope runs this once, when it makes the container.
set -eu
cd /autograder/source/corral
apt-get update -q && apt-get install -y -q make
./setup
"""
RUN = """\
#!/bin/sh
# Gradescope runs this for each submission.  What is copied first is there whatever happens next.
umask 022
mkdir -p /autograder/results
cp /autograder/source/no-verdict.json /autograder/results/results.json
# The submission is compiled by another user, who needs none of these.
chmod 700 /autograder/source /autograder/results /autograder/submission
cd /autograder/source/corral || exit 0
export CORRAL_BUILD=/tmp/corral-build CORRAL_REPORT=/autograder/source/report
export CORRAL_RESULTS=/autograder/results/results.json
python3 -m grader autograde {words}
"""


def gradescope_command(options: Options) -> int:
    """Writes build/gradescope-labN.zip: the course without solutions, and two scripts."""
    lab = choose(options.lab, find_labs())
    hidden.extend(lab, options.hidden)      # a mistake in it is said now, not in the container
    target = make_folder(build_dir()) / f"gradescope-lab{lab.number}.zip"
    chosen = replace(options, sandbox=options.sandbox or sandbox.CONTAINER,
                     hidden="/autograder/source/hidden" if options.hidden else "")
    if "solutions" in options.base.values() and not (ROOT / references.FOLDER).is_dir():
        raise GraderError("BASE=solutions is not for Gradescope: its zip holds no solutions; in a "
                          "release with WITH_BASE= it holds them compiled")
    words = " ".join([f"LAB={lab.number}", "FROM=/autograder/submission", *arguments_of(chosen)])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        _add(packed, "setup.sh", SETUP, 0o755)
        _add(packed, "run_autograder", RUN.format(words=words), 0o755)
        _add(packed, "no-verdict.json", json.dumps(gradescope.no_verdict(
            "It ended before it could say why, or ran out of time or memory.")), 0o644)
        for name in TREE:
            _add_tree(packed, ROOT / name, f"corral/{name}")
        if knobs.place().is_file():
            _add_tree(packed, knobs.place(), f"corral/{knobs.NAME}")
        if options.hidden:
            _add_tree(packed, Path(options.hidden).expanduser().resolve(), "hidden")
    print(f"written: {shown(target)}; upload it as the assignment's autograder")
    return 0


def _add_tree(packed: zipfile.ZipFile, place: Path, name: str) -> None:
    for path in [place] if place.is_file() else sorted(place.rglob("*")):
        inside = path.relative_to(place)
        if path.is_file() and not path.is_symlink() and not set(LEFT_OUT) & set(inside.parts):
            _add(packed, str(Path(name) / inside), path.read_bytes(), path.stat().st_mode & 0o777)


def _add(packed: zipfile.ZipFile, name: str, data: str | bytes, mode: int) -> None:
    # A date of its own: two zips of one tree are equal.
    info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    info.external_attr = (0o100000 | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    packed.writestr(info, data)


def autograde_command(options: Options) -> int:
    """Grades FROM and writes CORRAL_RESULTS whatever happens; 0, because Gradescope takes another
    exit code for a broken autograder and shows the student no result."""
    target = Path(os.environ.get("CORRAL_RESULTS") or report_dir() / "results.json")
    report = report_dir() / "grade.json"
    report.unlink(missing_ok=True)
    sentence = "it ended without a report"
    try:
        if not options.sandbox:
            raise GraderError("SANDBOX is missing: bwrap or container")
        sandbox.use(options.sandbox)
        make_folder(build_dir())
        build_dir().chmod(0o711)
        grade_command(options)
    except GraderError as error:
        sentence = str(error)
        print(f"corral: {sentence}")
    except Exception as error:                  # a fault of the grader is a sentence here, too
        sentence = f"{type(error).__name__}: {error}"
        print(f"corral: {sentence}")
    try:
        data = gradescope.convert(json.loads(report.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        data = gradescope.no_verdict(sentence)
    gradescope.save(data, target)
    return 0
