"""One cell's process: runs the chosen tests with pytest and streams records to the parent.

Started as `python -I worker.py JOB.json FD`.  A record is one line of JSON on FD, a descriptor that
no child inherits; what tests and emulators print goes to the log file and decides nothing.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from grader import processes, sandbox  # noqa: E402
from grader.job import Job  # noqa: E402
from grader.knobs import FULL  # noqa: E402


def run(job: Job, send, plugin=None) -> int:
    """Runs pytest over the job's tests; gives its exit code."""
    import pytest

    from grader.plugin import Plugin

    tests = Path(job.tests_dir)
    arguments = [
        "-c", str(Path(__file__).with_name("pytest.ini")), "--rootdir", str(tests.parent),
        "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:junitxml",
        "-q", "--no-header", *_said(job), "-x" if job.replay is not None else "-q",
        *dict.fromkeys(str(Path(entry.folder or tests) / entry.node) for entry in job.tests),
    ]  # fmt: skip
    return int(pytest.main(arguments, plugins=[plugin or Plugin(job, send)]))


def _said(job: Job) -> list[str]:
    """What pytest writes into the log about a test that fails: no more than the report tells."""
    return ["--tb=short"] if job.tell == FULL else ["--tb=no", "-rN"]


def main() -> int:
    """Reads the job, runs it and reports how it ended."""
    job = Job.load(Path(sys.argv[1]))
    descriptor = int(sys.argv[2])
    processes.die_with_parent(job.parent)
    processes.stay_on(job.host_cpu)
    os.set_inheritable(descriptor, False)
    stream = open(descriptor, "w", encoding="utf-8", buffering=1)

    def send(record: dict) -> None:
        stream.write(json.dumps(record) + "\n")

    try:
        sandbox.use(job.sandbox)
        code = run(job, send)
    except BaseException:
        traceback.print_exc()
        send({"type": "crash", "text": traceback.format_exc(limit=-1).strip().splitlines()[-1]})
        return 2
    send({"type": "end", "code": code})
    return 0


if __name__ == "__main__":
    sys.exit(main())
