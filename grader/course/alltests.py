"""`make test`: the grader's own tests, the trials of every lab, the docs.  With LAB= that lab's alone.

The last line is "N passed, N failed": pytest's tests and the trials together.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace

from grader import processes
from grader.course import trials
from grader.course.skeleton import differences
from grader.labs import Lab, find_labs
from grader.options import Options
from grader.paths import ROOT, build_dir, report_dir, write_text
from grader.runner import workers

KINDS = ("reference", "skeleton", "first exercise", "alternate", "later", "forger", "mutant")
SLOW = KINDS[2:]


def test_command(options: Options) -> int:
    """Runs everything; 0 if nothing failed."""
    started = time.monotonic()
    passed, failed = (0, 0) if options.lab else own_tests()
    checks = [*skeleton_checks(trials.labs_of(options))]
    for words, good in checks:
        print(f"{'ok    ' if good else 'FAILED'} {words}", flush=True)
    for lab in trials.labs_of(options):
        for kinds, cells in parts(lab, options):
            for trial in trials.run_all(lab, cells, kinds, one_cell=True):
                trials.print_trial(trial)
                checks.append((trial.name, trial.good))
    if not options.lab:
        good = docs()
        print(f"{'ok    ' if good else 'FAILED'} docs", flush=True)
        checks.append(("docs", good))
    passed += sum(1 for _, good in checks if good)
    failed += sum(1 for _, good in checks if not good)
    print(f"{time.monotonic() - started:.0f} s")
    summary = f"{passed} passed, {failed} failed"
    write_text(report_dir() / "tests.txt", summary + "\n")
    print(summary)
    return 1 if failed else 0


def parts(lab: Lab, options: Options) -> list[tuple[tuple[str, ...], Options]]:
    """The kinds of trials of a lab, and the cells in which each runs.

    All but the reference and the skeleton is tried in one cell, in turn: other right answers; so many
    wrong ones that every test has caught one; the tests of labs 1 to 3 on the last stage alone.  Where
    schedules are explored, they are the same in both emulators and take QEMU several times as long: these
    cells are then Bochs's.  `make mutants` tries all wrong answers and other right ones in all cells,
    `make soak` every lab and every other right answer on the stage of every later lab.
    """
    last = lab.number == max(find_labs())
    kinds = tuple(kind for kind in KINDS if kind != "later" or last)
    if not lab.explores:
        return [(kinds, options)]
    quick = replace(options, emus=("bochs",))
    return [(tuple(k for k in kinds if k not in SLOW), options),
            (tuple(k for k in kinds if k in SLOW), quick)]


def own_tests(slow: bool = False) -> tuple[int, int]:
    """pytest over grader/selftest, with its summary on the screen; (passed, failed): what takes long,
    or all else.  One process more than there are processors, since shells and clusters are waited for."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header",
            "-p", "xdist.plugin", "-n", str(workers() + 1), "--durations", "15",
            *(("-m", "slow", "--dist", "load") if slow else ("--dist", "loadfile")),
            "-c", str(ROOT / "grader" / "selftest" / "pytest.ini"), str(ROOT / "grader/selftest")]
    process = processes.start(argv, cwd=ROOT, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env=processes.clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"))
    output = []
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        output.append(line)
    code = process.wait()
    processes.finished(process)
    return counts_of("".join(output), code)


def counts_of(output: str, code: int) -> tuple[int, int]:
    """(passed, failed) of pytest's last line; a run that broke counts as one failure."""
    last = output.strip().splitlines()[-1] if output.strip() else ""

    def number(word: str) -> int:
        match = re.search(rf"(\d+) {word}", last)
        return int(match[1]) if match else 0

    failed = number("failed") + number("error")
    return number("passed"), failed if failed or code == 0 else 1


def skeleton_checks(labs: list[Lab]) -> list[tuple[str, bool]]:
    """labs/ is what solutions/ gives."""
    results = []
    for lab in labs:
        if (lab.root / "solutions" / lab.slug).is_dir():
            words = differences(lab)
            for word in words:
                print(f"         {word}")
            results.append((f"lab{lab.number} skeletons are those of solutions/", not words))
    return results


def docs() -> bool:
    """The site builds without a warning."""
    if not (ROOT / "docs" / "conf.py").is_file() or shutil.which("sphinx-build") is None:
        print("         docs/conf.py or sphinx-build is missing")
        return False
    argv = ["sphinx-build", "-W", "--keep-going", "-q", "-b", "html", str(ROOT / "docs"),
            str(build_dir() / "docs")]
    return subprocess.call(argv, cwd=ROOT, env=dict(os.environ), stdin=subprocess.DEVNULL) == 0
