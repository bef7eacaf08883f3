"""`make soak`: many runs of the same tree must give equal reports.  For nights."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from grader import evaluate
from grader.course.trials import labs_of
from grader.options import Options
from grader.paths import report_dir, write_text
from grader.report import model

SEED = "7"


def soak_command(options: Options) -> int:
    """RUNS runs (20) of every lab with one seed; 1 if two reports differ."""
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
    return 0 if equal else 1
