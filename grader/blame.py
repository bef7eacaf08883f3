"""Who is to blame when there is no kernel, in one sentence."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from grader import compilelog, sandbox
from grader.errors import GraderError
from grader.paths import shown
from grader.sources import Source

if TYPE_CHECKING:
    from grader.build import Build


def explain(result: Build, log: str, sources: list[Source], trouble: list[str]) -> None:
    """Says why there is no kernel; raises GraderError where the student is not to blame."""
    if compilelog.FULL in log and sandbox.strict():     # the sandbox's, which has an end
        result.problem = "the build wrote more than a lab may"
        result.details = compilelog.printable(log).strip().splitlines()[-3:]
        return
    if compilelog.FULL in log:
        raise OSError(errno.ENOSPC, compilelog.FULL)
    own = [m for each in compilelog.errors(log) if (m := _as_known(each, sources))]
    linker = [f"`{n}` is used but defined nowhere" + (f": {cause}" if cause else "")
              for n in compilelog.undefined(log) for cause in [compilelog.cause_of(n)]]
    linker += [f"`{n}` is defined twice" for n in compilelog.duplicates(log)]
    targets = compilelog.failed_targets(log)
    if own:
        result.problem = f"{own[0].place}: {own[0].text}"
        for message in own[:3]:
            result.details += [f"{message.place}: error: {message.text}", *message.drawing]
        if len(own) > 3:
            result.details.append(f"and {len(own) - 3} more: {shown(result.folder)}/build.log")
    elif trouble:
        result.problem, result.details = trouble[0], trouble[:5]
    elif linker and "../kernel.elf" in targets:
        result.problem, result.details = linker[0], linker[:5]
    elif compilelog.LIMIT.search(log):
        result.problem = "the compiler needed more time or memory than a lab may use"
        result.details = compilelog.printable(log).strip().splitlines()[-3:]
    else:
        words = [f"{m.place}: {m.text}" for m in compilelog.errors(log)]
        words += compilelog.printable(log).strip().splitlines()[-2:] or ["no output"]
        if any(re.match(r"\.\./lab\d+[/.]", target) for target in targets):
            result.problem, result.details = words[0], words[:5]
            return
        raise GraderError(f"the given kernel does not build ({words[0]}): the whole log is "
                          f"{shown(result.folder)}/build.log")


def _as_known(message: compilelog.Message, sources: list[Source]) -> compilelog.Message | None:
    """The message with the file's name as the student knows it; None if it is of no lab's file."""
    for source in sources:
        if message.file.startswith(f"{source.label}/"):
            return message
        if message.file in source.files:
            return replace(message, file=f"{source.label}/{message.file}")
    return None
