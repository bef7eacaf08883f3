"""A schedule that failed, in a student's words: a table, the step that decides, a cause."""

from __future__ import annotations

from dataclasses import dataclass

from grader.explore.access import DRAIN, LOAD, LOCKED, RMW, STORE, Site
from grader.explore.region import EVENT, RUN, WAIT, Move, Region, Run
from grader.explore.schedules import Failed, Replayed, Result, follow, turns_of
from grader.machine.types import Unmapped
from grader.verdict import CaseGone, Fail, ReplayStop, Schedule, Step

PAST = {LOAD: "read", STORE: "written", RMW: "changed it", LOCKED: "changed it", DRAIN: "fenced"}
AGAIN = 2               # rounds of a loop that are shown
LINES = 48              # rows of a table
SMALL = 1 << 16


@dataclass
class Told:
    """One move, told."""

    move: Move
    site: Site | None
    address: int
    step: Step
    at: int                     # where the CPU stood before it
    told: bool = False          # its effects are in `step`
    waits: bool = False         # and now the CPU goes round in a loop


class _Teller(Replayed):
    """Follows the moves of a schedule and notes what each of them did."""

    def __init__(self, region: Region, moves: list[Move]):
        super().__init__(list(moves))
        self.region = region
        self.told: list[Told] = []

    def __call__(self, run: Run) -> Move:
        self.close(run)
        move = super().__call__(run)
        self.told.append(_before(self.region, run, move))
        return move

    def close(self, run: Run) -> None:
        """The last move is done: its effects are to be seen."""
        if self.told and not self.told[-1].told:
            self.told[-1].told = True
            _after(self.region, run, self.told[-1])


def tell(region: Region, failed: Failed) -> tuple[list[Told], Fail]:
    """Runs the schedule once more from the start and notes what each move did."""
    run = region.begin(fresh=True)
    teller = _Teller(region, failed.moves)
    fail = failed.fail
    try:
        follow(run, teller, teller.close)       # before a check looks: it may write
    except Fail as now:
        fail = now
    if teller.told and not region.m.dead:
        teller.close(run)
    return teller.told, fail


def _before(region: Region, run: Run, move: Move) -> Told:
    cpu, at = move.cpu, run.at.get(move.cpu, 0)
    if move.kind != RUN:
        return Told(move, None, 0, Step(cpu, "", ""), at)
    site = region.sites.get(at)
    line = region.m.elf.line(at)
    step = Step(cpu, f"{line.file.rpartition('/')[2]}:{line.line}" if line else "", "")
    each = Told(move, site, 0, step, at)
    if site is None:
        step.text = region.words.get(at) or f"{region.m.elf.where(at)}"
    elif site.size:
        run.buffers.see(cpu)
        each.address = site.where(region.m.regs(cpu).values, region.m.width)
        step.text = _there(region, each, cpu)
    return each


def _there(region: Region, each: Told, cpu: int) -> str:
    """What is in memory where an access goes."""
    try:
        return _value(region, region.m.read_uint(each.address, min(each.site.size, 8), cpu))
    except Unmapped:
        return "nothing: no page is there"


def _value(region: Region, value: int) -> str:
    if value < SMALL:
        return str(value)
    code = region.m.elf.symbol_at(value)
    if code and code.address == value:
        return code.name
    name = region.name_of(value)
    return name if not name.startswith("0x") else f"{value:#x}"


def _after(region: Region, run: Run, each: Told) -> None:
    """Puts what the move did into words."""
    move, step, site = each.move, each.step, each.site
    if move.kind == WAIT:
        step.text = "its oldest store reaches memory"
    elif move.kind == EVENT:
        step.text = region.events[move.event][0]
    elif site is not None and site.kind == DRAIN:
        step.text = site.text.split()[0]
    elif site is not None and site.fences:
        step.text = f"fence: {site.text}"
    elif site is not None:
        name, old = region.name_of(each.address), step.text
        new = _there(region, each, move.cpu)
        held = bool(run.buffers.held(move.cpu)) and site.late
        step.text = {LOAD: f"reads {name} = {old}", STORE: f"writes {name} = {new}",
                     RMW: f"no LOCK: reads {name} = {old}, writes {new}",
                     LOCKED: f"LOCK: {name} " + (f"stays {old}" if old == new
                                                 else f"from {old} to {new}")}[site.kind]
        if held:
            step.text += ", which stays in its store buffer"
    each.waits = run.waits(move.cpu)
    if move.kind == RUN and run.over(move.cpu):
        step.text += "; returns"
    step.shown = [column(run) for column in region.columns.values()]


# ---- the table ----

def schedule_of(region: Region, told: list[Told]) -> tuple[Schedule, int]:
    """The table, and the number of the move that decides (it comes after the switch), or -1."""
    decisive = _decisive(told)
    steps: list[Step] = []
    seen: dict[tuple, int] = {}
    skipped = 0
    for number, each in enumerate(told):
        before = told[number - 1] if number else None
        switch = before and before.move.cpu != each.move.cpu
        if switch:
            skipped = _close(steps, skipped)
            seen = {}
            steps.append(Step(-1, "", _switch(region, told, number), [], number == decisive))
        key = (each.step.line, each.step.text)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > AGAIN:
            skipped += 1
            continue
        skipped = _close(steps, skipped)
        steps.append(each.step)
        if number == decisive and not switch:
            each.step.decides = True
    _close(steps, skipped)
    if len(steps) > LINES:
        steps = [*steps[:LINES // 2], Step(-1, "", f"{len(steps) - LINES} rows left out"),
                 *steps[-LINES // 2:]]
    return Schedule(region.cpus, list(region.columns), steps), decisive


def _close(steps: list[Step], skipped: int) -> int:
    if skipped:
        last = steps[-1]
        steps.append(Step(last.cpu, "", "goes round, and round", list(last.shown)))
    return 0


def _decisive(told: list[Told]) -> int:
    """The move before which the fate of the schedule was settled: the first one that comes between a
    CPU's read and its write of the same word; else the last one that follows a preemption; without one
    the first store that was held; -1 if it would go wrong anyway."""
    preempts = [n for n in range(1, len(told)) if _preempts(told, n)]
    for number in preempts:
        before, after = told[number - 1], _next_of(told, number)
        if after and before.site and after.site and before.site.kind == LOAD and after.site.writes \
                and before.address == after.address:
            return number
    return preempts[-1] if preempts else next(
        (n for n, each in enumerate(told) if each.move.late and each.site and each.site.late), -1)


def _preempts(told: list[Told], number: int) -> bool:
    """Whether this move follows one of a CPU that could go on, and does so later if a store was held:
    then it may be that store that matters."""
    before = told[number - 1]
    held = any(each.move.late for each in told)
    return before.move.cpu != told[number].move.cpu and before.move.kind == RUN \
        and not before.waits and "returns" not in before.step.text \
        and (not held or _next_of(told, number) is not None)


def _next_of(told: list[Told], number: int) -> Told | None:
    """What the CPU of the move before does next."""
    return next((each for each in told[number:] if each.move.cpu == told[number - 1].move.cpu), None)


def _switch(region: Region, told: list[Told], number: int) -> str:
    """Why the switch before this move matters: what the CPU has done, and has not done."""
    before = told[number - 1]
    cpu = before.move.cpu
    if before.move.kind != RUN or "returns" in before.step.text:
        return f"CPU {cpu} is done, CPU {told[number].move.cpu} goes on"
    if before.waits:
        return f"CPU {cpu} waits, CPU {told[number].move.cpu} goes on"
    next_one = next((each for each in told[number:] if each.move.cpu == cpu
                     and each.move.kind == RUN), None)
    # Of one word it is plain which is meant.
    named = next_one is None or next_one.address != before.address
    done = f"has {_past(region, before, named)}" if before.site else before.step.text
    if next_one is None or next_one.site is None:
        return f"switch: CPU {cpu} {done}"
    return f"switch: CPU {cpu} {done}, has not {_past(region, next_one, named)}"


def _past(region: Region, each: Told, named: bool) -> str:
    """What an instruction has done, and to which word."""
    past = "halted" if each.site.text == "hlt" else PAST[DRAIN if each.site.fences else each.site.kind]
    if not named or each.site.fences:
        return past
    return f"{past.removesuffix(' it')} {region.name_of(each.address)}"


def cause_of(told: list[Told], decisive: int) -> str:
    """A sentence of cause, if the deciding step has the shape of a well-known mistake."""
    held = _held(told)
    if held is not None:
        read = next((each for each in told[:told.index(held)] if each.move.cpu == held.move.cpu
                     and each.site and each.site.kind == LOAD and each.address == held.address), None)
        if read and held.site.kind == STORE:
            return _two_steps(read, held)
        kind = ("has no LOCK, so its read and its write are two steps" if held.site.kind == RMW else
                "is a plain store, which waits in the CPU's store buffer; what this CPU reads next "
                "comes from memory before that store is there")
        return f"{held.step.line} {kind}.  Another CPU acts in between."
    if decisive < 1:
        return ""
    before, after = told[decisive - 1], _next_of(told, decisive)
    if before.site and after and after.site and before.site.kind == LOAD \
            and after.site.kind == STORE and before.address == after.address:
        return _two_steps(before, after)
    return ""


def _held(told: list[Told]) -> Told | None:
    """The store that was held and matters: the first that another CPU would have seen."""
    first = next((n for n, each in enumerate(told) if each.move.late and each.site and each.site.late),
                 None)
    if first is None:
        return None
    cpu = told[first].move.cpu
    others = {each.address for each in told[first:] if each.site and each.move.cpu != cpu}
    return next((each for each in told[first:] if each.move.cpu == cpu and each.site and each.site.late
                 and each.address in others), told[first])


def _two_steps(read: Told, write: Told) -> str:
    return (f"the read ({read.step.line}) and the write ({write.step.line}) are two steps; "
            "another CPU can read the same value between them.")


# ---- the failure ----

def report(region: Region, result: Result, shortest: Failed) -> Fail:
    """One failure for all schedules of a region, with the shortest in full."""
    told, fail = tell(region, shortest)
    region.m.restore(region.start)
    schedule, decisive = schedule_of(region, told)
    first = fail.failure
    stands = told[decisive] if decisive >= 0 else (told[-1] if told else None)
    switches = max(0, len(turns_of(shortest.moves)) - 1)
    found = f"{len(result.failed)} of {result.tried} schedules"
    title = f"{region.name}: schedule {shortest.number}, {switches} switch" + "es" * (switches != 1)
    made = Fail(first.reason, expected=first.expected, seen=first.seen, at=first.at,
                went_wrong=first.went_wrong, stack=first.stack,
                extra=first.extra, cause=cause_of(told, decisive) or first.cause,
                case=_case(region, told, decisive) | {"text": title}, count=found)
    made.failure.schedule = schedule
    made.failure.start = region.begins
    made.failure.headline = title
    if made.failure.went_wrong is None and stands is not None and stands.at:
        blamed = told[decisive - 1] if decisive > 0 else stands
        made.failure.went_wrong = region.m.place(blamed.at)
        made.failure.went_wrong.label = "decided behind" if decisive > 0 else ""
    return made


# ---- again ----

def _case(region: Region, told: list[Told], decisive: int) -> dict:
    """What a replay needs: turns that end at named places, not addresses or counts."""
    turns: list[dict] = []
    for number, each in enumerate(told):
        move = each.move
        if move.kind != RUN:
            turns.append({"cpu": move.cpu, "kind": move.kind, "event": move.event})
            continue
        if not turns or turns[-1].get("to") is None or turns[-1]["cpu"] != move.cpu \
                or number == decisive or move.late:
            turns.append({"cpu": move.cpu, "kind": RUN, "moves": 0, "late": move.late})
        turns[-1]["moves"] += 1
        after = next((later.at for later in told[number + 1:] if later.move.cpu == move.cpu
                      and later.move.kind == RUN), 0)
        turns[-1]["to"] = region.m.elf.where(after) if after else "end"
        if number == decisive - 1:
            turns[-1]["stop"] = True
    return {"region": region.name, "turns": turns,
            "stop_cpu": told[decisive].move.cpu if decisive >= 0 else 0}


def replay(region: Region, wanted: dict) -> None:
    """Goes to the deciding step of a case and leaves the machine there."""
    if wanted.get("region") != region.name:
        return
    run = region.begin(fresh=True)
    for turn in wanted["turns"]:
        try:
            _play(region, run, turn)
        except Fail as fail:
            run.buffers.show_memory()
            raise ReplayStop(f"here it goes wrong: {fail}") from None
        if turn.get("stop"):
            break
    region.scene.cell.subject = wanted["stop_cpu"]
    places = ", ".join(f"CPU {cpu} before {region.m.elf.where(run.at[cpu])}" for cpu in region.cpus)
    raise ReplayStop(f"the step that decides is next: {places}")


def _play(region: Region, run: Run, turn: dict) -> None:
    cpu = turn["cpu"]
    if turn["kind"] != RUN:
        run.make(Move(turn["kind"], cpu, event=turn.get("event", 0)))
        return
    for number in range(turn["moves"]):
        if run.over(cpu):
            raise CaseGone(f"CPU {cpu} is at its end before {turn['to']}")
        run.make(Move(RUN, cpu, late=turn["late"] and number == 0))
    here = region.m.elf.where(run.at[cpu])
    if turn["to"] != "end" and here != turn["to"]:
        raise CaseGone(f"CPU {cpu} comes to {here} where it came to {turn['to']}")
