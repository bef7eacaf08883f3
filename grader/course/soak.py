"""`make soak`: many runs of the same tree must give equal reports, a right lock passes thousands of
schedules, a wrong answer fails with every seed, and each command of the handouts is typed.  For nights."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from grader import evaluate
from grader.course import alltests, trials
from grader.course.trials import labs_of
from grader.labs import Lab
from grader.options import Options
from grader.paths import report_dir, write_text
from grader.report import model
from grader.verdict import PASS

SEED = "7"
SCHEDULES = 2000        # of each region


def soak_command(options: Options) -> int:
    """RUNS runs (20) of every lab with one seed; 1 if two reports differ, or anything else fails."""
    equal = True
    options = replace(options, seed=options.seed or SEED,
                      source="solutions" if options.source == "labs" else options.source)
    for lab in labs_of(options):
        first = ""
        for number in range(1, options.runs + 1):
            started = time.monotonic()
            grade = evaluate.whole(lab, options)
            data = model.without_times(model.assemble(grade))
            text = json.dumps(data, indent=1)
            first = first or text
            same = text == first
            word = "the same" if number > 1 and same else "first" if same else "DIFFERENT"
            print(f"lab{lab.number} run {number} of {options.runs}: {data['score']:g}/"
                  f"{data['max']:g}, {word}, {time.monotonic() - started:.1f} s", flush=True)
            if not same:
                equal = False
                for name, content in (("first", first), (f"run{number}", text)):
                    write_text(report_dir() / f"soak-{name}.json", content + "\n")
                print(f"both are in {report_dir()}/soak-*.json")
    print("all reports are equal" if equal else "reports differ")
    good = [deep(lab, options) if lab.explores else later(lab, options) for lab in labs_of(options)]
    if not options.lab:
        good.append(alltests.own_tests(slow=True)[1] == 0)
    return 0 if equal and all(good) else 1


def deep(lab: Lab, options: Options) -> bool:
    """SCHEDULES (2000) of each region pass; each mutant is killed with RUNS seeds."""
    below = later(lab, options)
    grade = evaluate.whole(lab, replace(options, schedules=options.schedules or SCHEDULES))
    failing = [f"{test} in {cell}: {result.text}" for (test, cell), result in grade.results.items()
               if result.verdict != PASS] + grade.errors
    counts = ", ".join(f"{cell} {counts.get('schedules', 0)}" for cell, counts in grade.counts.items())
    print(f"lab{lab.number} schedules: {counts}: {'; '.join(failing[:3]) or 'none failed'}", flush=True)
    alive = 0
    seeds = [f"{number:x}" for number in range(1, options.runs + 1)]
    for trial in trials.run_all(lab, options, ("mutant",), seeds=seeds):
        alive += not trial.good
        trials.print_trial(trial)
    print(f"lab{lab.number} wrong answers with {len(seeds)} seeds: {alive or 'none'} alive", flush=True)
    return below and not failing and not alive


def later(lab: Lab, options: Options) -> bool:
    """Every other right answer of the earlier labs, on this lab's kernel and below this lab's tests."""
    good = True
    for trial in trials.run_all(lab, replace(options, emus=("bochs",)), ("later",)):
        trials.print_trial(trial)
        good = good and trial.good
    return good
