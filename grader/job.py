"""What a worker is told: one cell, one kernel, the tests in the order to run them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class JobTest:
    """One test: its id in lab.toml and its pytest node below the lab's tests."""

    id: str
    node: str
    scored: bool = True
    folder: str = ""              # of a hidden test: where its file is


@dataclass
class Job:
    """The contents of JOB.json."""

    cell: str                       # "x86_64/qemu"
    elf: str
    iso: str
    tests_dir: str
    tests: list[JobTest]
    seed: str
    workdir: str                    # private, short, on a local disk
    parent: int = 0                 # the pid whose death ends the worker
    cpus: int = 2
    schedules: int = 0              # of each region, at least
    share: str = ""                 # folder in which the workers of one cell tell who takes which test
    backwards: bool = False         # begin with the last test
    host_cpu: int = -1              # the host's CPU for worker and emulator; -1: any
    tree: str = ""                  # the build tree, for reading source lines
    machine: str = "grader.machine"   # the module that gives boot() and Cell
    sandbox: str = ""                 # how the emulator is kept in: grader.sandbox
    tell: str = "full"                # how much of a failure goes into its record: grader.tell
    quick: bool = False               # one failure of a test is enough: a trial asks no more
    seeds: list[str] = field(default_factory=list)   # with each of which a test is to fail
    replay: dict[str, Any] | None = None   # a case to stop in

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Job:
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**data | {"tests": [JobTest(**test) for test in data["tests"]]})
