"""The command line: one function a command, one place where errors become sentences."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback

from grader import knobs, processes, sandbox
from grader.course import instructor
from grader.errors import GraderError
from grader.options import LOOSE, gather, parse
from grader.paths import build_dir, shown, write_text

# command -> (module, function); loaded when it is wanted, so that a build starts fast.
COMMANDS = {
    "build": ("grader.grade", "build_command"),
    "grade": ("grader.grade", "grade_command"),
    "replay": ("grader.replay", "replay_command"),
    "bundle": ("grader.course.bundle", "bundle_command"),
    "run": ("grader.play", "run_command"),
    "debug": ("grader.play", "debug_command"),
    "skeletons": ("grader.course.skeleton", "skeletons_command"),
    "check-skeletons": ("grader.course.skeleton", "check_command"),
    "mutants": ("grader.course.trials", "mutants_command"),
    "drawings": ("grader.course.drawings", "drawings_command"),
    "schedule": ("grader.course.recording", "schedule_command"),
    "doctor": ("grader.doctor", "doctor_command"),
    "pr": ("grader.course.pullrequest.command", "pr_command"),
    "publish": ("grader.course.pullrequest.publish", "publish_command"),
    "gradescope": ("grader.course.gradescope", "gradescope_command"),
    "autograde": ("grader.course.gradescope", "autograde_command"),
    "release": ("grader.course.release", "release_command"),
    "class": ("grader.course.classroom.command", "class_command"),
    "class-task": ("grader.course.classroom.command", "task_command"),
    "soak": ("grader.course.soak", "soak_command"),
    "test": ("grader.course.alltests", "test_command"),
    "bench": ("grader.bench.command", "bench_command"),
}
# These sandbox elsewhere (gradescope), or have to write a result where there is no sandbox.
LATER = ("gradescope", "autograde", "pr", "class", "class-task")
FAILED = 2
INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Runs one command: 0 full marks or done, 1 not, 2 the grader itself failed."""
    if not arguments or arguments[0] not in COMMANDS:
        wanted = f"{arguments[0]!r} is no command" if arguments else "say what to do"
        print(f"{wanted}: the commands are {', '.join(COMMANDS)}", file=sys.stderr)
        return FAILED
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        instructor.require(arguments[0])
        options = parse(gather(arguments[1:], loose=LOOSE.get(arguments[0], "")), knobs.load())
        if arguments[0] not in LATER:
            sandbox.use(options.sandbox)
        module, function = COMMANDS[arguments[0]]
        return getattr(importlib.import_module(module), function)(options)
    except GraderError as error:
        return _sentence(str(error))
    except KeyboardInterrupt:
        processes.kill_all()
        print("\nstopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _unexpected(error)
    finally:
        processes.kill_all()


def _interrupt(number: int, frame) -> None:
    raise KeyboardInterrupt


def _sentence(text: str) -> int:
    sys.stdout.flush()
    print(f"corral: {text}", file=sys.stderr)
    return FAILED


def _unexpected(error: Exception) -> int:
    """A fault of the grader: one sentence, and the traceback in a file."""
    log = build_dir() / f"grader-error-{time.strftime('%Y%m%d-%H%M%S')}.log"
    where = f"the details are in {shown(log)}"
    try:
        write_text(log, traceback.format_exc())
    except OSError:
        where = "the details could not be written to build/"
    words = str(error).splitlines()[0] if str(error) else ""
    return _sentence(f"the grader itself failed ({type(error).__name__}: {words[:120]}); {where}")
