"""The schedules: which CPU moves when.  Every order with at most two preemptions, the shortest first;
then PCT and random walks from the seed; and for litmus tests every order there is.

A preemption takes the turn from a CPU that could go on; a CPU that waits or is done gives it away
for nothing.  PCT: Burckhardt and others 2010.  Preemption bounds: Musuvathi and Qadeer 2007.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from grader.errors import GraderError
from grader.explore.region import (EVENT, RUN, WAIT, Detour, Done, Effect, Move, Region, Run,
                                   joined)
from grader.verdict import Fail

CHAIN = 24              # schedules that follow one another before a snapshot is restored
LEARNING = 10           # random schedules from which a region's accesses are learnt, at the most
NOTHING_NEW = 3         # so many in a row that show nothing new are enough
AFTER = 250             # schedules that are still run after the first that failed
LATE_CHANCE, DRAIN_CHANCE, SWITCH_CHANCE = 0.15, 0.2, 0.25

Chooser = Callable[[Run], Move]


@dataclass
class Failed:
    """A schedule that failed."""

    number: int                 # the how-manieth it was
    moves: list[Move]
    fail: Fail


@dataclass
class Result:
    """What came of a region's schedules."""

    tried: int = 0
    same: int = 0               # came to the same as one that was tried
    failed: list[Failed] = field(default_factory=list)
    seconds: float = 0.0


# ---- one schedule ----

def follow(run: Run, choose: Chooser, ended: Callable[[Run], None] | None = None) -> None:
    """Runs a schedule to its end, calls ended(run), and looks at what came out."""
    while True:
        if run.current not in run.ready():
            run.settle()
        if run.finished():
            break
        if run.ready():         # else stores have reached memory, and somebody may wake up
            run.make(choose(run))
    if ended:
        ended(run)
    if run.region.check:
        run.region.check(run)


def usual(run: Run) -> Move:
    """The same CPU while it can go on, then the next one."""
    if run.current in run.ready():
        return Move(RUN, run.current)
    return next_one(run, run.current)


def next_one(run: Run, after: int) -> Move:
    """The next CPU that can go on."""
    return Move(RUN, min(run.ready(), key=lambda cpu: ((cpu - after - 1) % 64, cpu)))


class InTurn:
    """One move of each CPU after the other, beginning with this one."""

    def __init__(self, first: int):
        self.first = first

    def __call__(self, run: Run) -> Move:
        return next_one(run, run.current if run.log else self.first - 1)


class Planned:
    """The moves with which another run began, one that was not made there, then the usual ones; notes
    where it could have gone elsewhere.  With no move: the usual ones from the start."""

    def __init__(self, begins: list[Done] | None = None, move: Move | None = None, lates: bool = False,
                 events: bool = False, leaf: bool = False, interrupted: int = -1):
        self.begins, self.move, self.lates, self.events = begins or [], move, lates, events
        self.last = len(self.begins) if move else -1
        self.leaf = leaf                    # nobody asks where it could have gone elsewhere
        self.interrupted = interrupted      # .. but what is done until this CPU goes on
        moves = [done.move for done in self.begins]
        alike = all(each.kind == RUN and not each.late for each in moves)
        self.known = self.begins if alike else []       # moves that need no stops
        # When no store is on its way any more, all is as in the same without a late one.
        self.holds = any(each.late for each in moves) or move is not None and move.late
        self.others: list[tuple[int, Move, bool]] = []      # number, move, whether it preempts
        self.log: list[Done] = []

    def __call__(self, run: Run) -> Move:
        number = len(run.log)
        self.log = run.log
        if number < self.last:      # not the usual one: by now more is known of who waits
            return self.begins[number].move
        move = self.move if self.move and number == self.last else usual(run)
        if self.leaf:
            if move.cpu == self.interrupted:
                self.interrupted = -1
            few = run.buffers.empty and not move.late and self.interrupted < 0
            run.stops = run.region.few if few else run.region.everywhere
        elif number > self.last and not (self.holds and run.buffers.empty):
            self._note(run, number, move)
        return move

    def full(self) -> Planned:
        """The same, with every stop."""
        full = Planned(self.begins, self.move, self.lates, self.events)
        full.known = []
        return full

    def _note(self, run: Run, number: int, move: Move) -> None:
        going_on = move.cpu == run.current
        if not going_on or run.turn or number == 0:
            self.others += [(number, Move(RUN, cpu), going_on or number > 0)
                            for cpu in run.ready() if cpu != move.cpu]
        site = run.region.sites.get(run.at[move.cpu])
        if self.lates and site and site.late and not run.buffers.held(move.cpu):
            self.others.append((number, Move(RUN, move.cpu, late=True), False))
        if self.events:
            self.others += [(number, Move(EVENT, cpu, event=event), False)
                            for event, (_, cpu, _) in enumerate(run.region.events)
                            if cpu == move.cpu or not going_on]


class Turn:
    """The places at which one CPU may take another one's turn, one after the other.  Two of them
    come to the same if nothing that the second CPU does meets what the first does between them
    (partial orders: Godefroid 1996)."""

    def __init__(self, log: list[Done]):
        self.log = log                      # of the run in which nobody takes it
        self.taken = -1                     # where it was taken the last time
        self.effect: Effect | None = None   # .. and what was done until the first CPU went on

    def same(self, number: int) -> bool:
        """Whether to take it at this move comes to what was already run."""
        if self.effect is None:
            return False
        cpu = self.log[self.taken].move.cpu
        return all(done.move.cpu == cpu for done in self.log[self.taken:number + 1]) and all(
            done.effect is not None and not done.effect.meets(self.effect)
            for done in self.log[self.taken:number])

    def asks(self, number: int) -> bool:
        """Whether it is worth knowing what is done when it is taken at this move."""
        after = self.log[number:number + 2]
        return len(after) == 2 and after[0].effect is not None and after[0].move.cpu == after[1].move.cpu

    def take(self, number: int, log: list[Done]) -> None:
        """It was taken at this move, and the run became this one.  The run in which nobody takes it may have
        failed in this very move."""
        self.taken, self.effect = number, None
        if number >= len(self.log):
            return
        cpu, self.effect = self.log[number].move.cpu, Effect()
        for done in log[number:]:
            if done.move.cpu == cpu:
                return
            if done.effect is None:
                break
            self.effect |= done.effect
        self.effect = None


@dataclass
class Node:
    """A schedule to be run."""

    begins: list[Done] = field(default_factory=list)    # as another run did
    move: Move | None = None                            # then this, which was not made there
    preempted: int = 0
    late: int = 0
    events: int = 0
    turn: Turn | None = None        # if this move takes one


class Bounded:
    """Every schedule with at most `preemptions`; with at most one fewer, also with one CPU's stores
    held from any of them on, or with one event before any move.  The fewest deviations first.  Of those
    that come to the same one is run."""

    def __init__(self, region: Region, preemptions: int = 2, most: int = 1 << 30):
        self.region = region
        self.preemptions = preemptions
        self.run = self.same = 0    # so many were asked for; came to the same as one of these
        self.most = most            # more will not be asked for
        self._todo: deque[Node] = deque([Node()])
        self._later: list[Node] = []

    def __iter__(self) -> Iterator[Planned]:
        while self._todo or self._later:
            if not self._todo:
                self._todo, self._later = deque(self._later), []
            node = self._todo.popleft()
            number, turn = len(node.begins), node.turn
            if turn and turn.same(number):
                self.same += 1
                continue
            self.run += 1
            ahead = (len(self._todo) + len(self._later)) * self.run // (self.run + 2 * self.same)
            enough = ahead >= self.most - self.run
            bound = self.preemptions - (1 if node.late or node.events else 0)
            more = not node.late and not node.events and node.preempted < self.preemptions
            leaf = node.move is not None and (enough or node.preempted >= bound)
            asked = turn.log[number].move.cpu if turn and turn.asks(number) else -1
            planned = Planned(node.begins, node.move, more, more, leaf, asked)
            yield planned
            if turn:
                turn.take(number, planned.log)
            self._children(node, planned, bound)

    def _children(self, node: Node, planned: Planned, bound: int) -> None:
        """The schedules that deviate once more."""
        turns: dict[int, Turn] = {}
        for number, move, preempts in planned.others:
            costs = node.preempted + preempts
            is_late, is_event = node.late + move.late, node.events + (move.kind == EVENT)
            limit = self.preemptions - 1 if is_late or is_event else bound
            if costs > limit:
                continue
            turn = None
            # A third CPU, or an event, might come between the two: then they are not the same.
            if move.kind == RUN and not move.late and (
                    costs == limit or len(self.region.cpus) == 2 and not self.region.events):
                turn = turns.setdefault(move.cpu, Turn(planned.log))
            # Who begins is no deviation: it is free, and comes as early as the first.
            free = number == 0 and move.kind == RUN and not move.late
            (self._todo if free else self._later).append(
                Node(planned.log[:number], move, costs, is_late, is_event, turn))


class Pct:
    """Probabilistic concurrency testing: the CPU with the highest priority goes on; at depth-1 moves
    the one that is running becomes the lowest.  One run finds a bug of this depth with a chance of at
    least 1 in n * k^(depth-1), for n CPUs and k moves.  A CPU that waits becomes the lowest too, so
    that one which tries again and again does not keep the others from what it waits for."""

    def __init__(self, rng: random.Random, cpus: list[int], length: int, depth: int):
        order = rng.sample(cpus, len(cpus))
        self.priority = {cpu: depth + rank for rank, cpu in enumerate(order)}
        self.changes = {rng.randrange(1, max(2, length)): depth - 1 - n for n in range(depth - 1)}
        self.late = rng.randrange(length) if rng.random() < 0.5 else -1

    def __call__(self, run: Run) -> Move:
        number, ready = len(run.log), run.ready()
        for cpu in run.region.cpus:
            if run.waits(cpu):
                self.priority[cpu] = min(self.priority.values()) - 1
        cpu = max(ready, key=self.priority.__getitem__)
        if number in self.changes:
            self.priority[cpu] = self.changes.pop(number)
            cpu = max(ready, key=self.priority.__getitem__)
        return Move(RUN, cpu, late=number == self.late)


class Walk:
    """A random walk; with `lates`, stores are held now and then and reach memory later."""

    def __init__(self, rng: random.Random, lates: bool = True):
        self.rng, self.lates = rng, lates

    def __call__(self, run: Run) -> Move:
        rng, ready = self.rng, run.ready()
        held = [cpu for cpu in run.region.cpus if run.buffers.held(cpu)]
        if held and rng.random() < DRAIN_CHANCE:
            return Move(WAIT, rng.choice(held))
        if run.region.events and not run.notes.get("event") and rng.random() < 0.05:
            run.notes["event"] = True
            number = rng.randrange(len(run.region.events))
            return Move(EVENT, run.region.events[number][1], event=number)
        cpu = run.current
        if cpu not in ready or rng.random() < SWITCH_CHANCE:
            cpu = rng.choice(ready)
        return Move(RUN, cpu, late=self.lates and rng.random() < LATE_CHANCE)


class Replayed:
    """The moves of an earlier run, then the usual ones."""

    def __init__(self, moves: list[Move]):
        self.moves = moves

    def __call__(self, run: Run) -> Move:
        while len(run.log) < len(self.moves):
            move = self.moves[len(run.log)]
            if move.kind == WAIT and not run.buffers.held(move.cpu) or \
                    move.kind == RUN and move.cpu not in run.ready():
                del self.moves[len(run.log)]        # it has become impossible: leave it out
                continue
            return move
        return usual(run)


# ---- what the CPUs share ----

def learn(region: Region, rng: random.Random) -> int:
    """Finds out which instructions touch what others write: these are the points.  Gives the number
    of moves of a usual run.

    An access to one's own stack counts only if another CPU touches the same bytes; so does any other
    that was seen.  One that was never reached counts, unless it is to the stack.
    """
    seen: dict[int, set[tuple[int, int, bool, int]]] = {}

    def watch(cpu, site, registers):
        if site.size:
            address = site.where(registers, region.m.width)
            seen.setdefault(site.address, set()).add((address, site.size, site.writes, cpu))

    length, sent, known, quiet = 0, False, 0, 0
    choosers: list[Chooser] = [Planned(move=Move(RUN, cpu)) for cpu in region.cpus]
    choosers += [InTurn(cpu) for cpu in region.cpus]    # .. and has to wait
    choosers += [Walk(rng, lates=False) for _ in range(LEARNING)]
    for chooser in choosers:
        run = region.begin(fresh=True)
        run.watch = watch
        try:
            follow(run, chooser)
        except Fail:
            pass                    # it will fail again when it counts
        length = length or len(run.log)
        sent |= any(done.before in region.sends for done in run.log)
        now = sum(map(len, seen.values()))
        quiet, known = (quiet + 1 if now == known else 0), now
        if quiet >= NOTHING_NEW and isinstance(chooser, Walk):
            break
    shared = _conflicts({access for accesses in seen.values() for access in accesses})
    shared |= {address for each in region.memory if each.executed
               for address in range(each.address, each.address + each.size)}
    kept, ranges = [], []
    for site in region.candidates.values():
        accesses = seen.get(site.address)
        hot = accesses and any(address + n in shared for address, size, _, _ in accesses
                               for n in range(size))
        if hot or accesses is None and (not site.on_stack and site.segment == "") \
                or site.drains:
            kept.append(site)
            if hot:
                ranges += [(address, size) for address, size, _, _ in accesses]
    written = [(address, size) for accesses in seen.values() for address, size, writes, _ in accesses
               if writes]
    region.use(kept, joined(region.of_each(ranges), 0))
    region.keep(region.of_each(written))
    region.sent = sent
    return length


def _conflicts(accesses: set[tuple[int, int, bool, int]]) -> set[int]:
    """The bytes that one CPU writes and another touches."""
    touched: dict[int, set[int]] = {}
    written: set[int] = set()
    for address, size, writes, cpu in accesses:
        for n in range(size):
            touched.setdefault(address + n, set()).add(cpu)
            if writes:
                written.add(address + n)
    return {address for address in written if len(touched[address]) > 1}


# ---- many schedules ----

class Explorer:
    """Runs schedules of one region, each alike the first time and the last."""

    def __init__(self, region: Region):
        self.region = region
        self.cell = region.scene.cell
        self.result = Result()
        self.limit = 0          # how many schedules there will be, for the person who waits
        self._chain = 0         # since the snapshot: schedules that followed its first
        self._longest = CHAIN   # .. at the most
        self._fresh = True
        self._all_stops = False     # few have told something else than all of them

    def try_one(self, choose: Chooser) -> Failed | None:
        """One schedule, after those before it if they went well, else from the snapshot."""
        chained = not self._fresh and self._chain < self._longest
        failed = self._go(choose, not chained)
        if failed and chained:
            failed = self._go(Replayed(list(failed.moves)), True)
            if failed is None:
                # Those before it have left something that begin() does not know, and does not put back.
                self._longest = 0
        self._fresh = failed is not None
        self._chain = self._chain + 1 if chained and not failed else 0
        self.result.tried += 1
        if failed:
            failed.number = self.result.tried
            self.result.failed.append(failed)
        self.cell.progress(self.result.tried, self.limit)
        return failed

    def _go(self, choose: Chooser, fresh: bool) -> Failed | None:
        planned = choose if isinstance(choose, Planned) else None
        if planned and self._all_stops:
            planned.known, planned.leaf = [], False
        run = self.region.begin(fresh)
        try:
            if planned and planned.known:
                run.express(planned.known)
            follow(run, choose)
            return None
        except Detour:
            return self._in_full(planned)
        except Fail as fail:
            if planned and (planned.known or planned.leaf):
                again = self._in_full(planned)
                if again is None and fresh:
                    print(f"{self.region.name}: fails with few stops alone: {fail}")
                    self._all_stops = True
                if again is not None or fresh:
                    return again
            moves = [done.move for done in run.log]
            if run.pending is not None:
                moves.append(run.pending)
            return Failed(0, moves, fail)

    def _in_full(self, planned: Planned) -> Failed | None:
        """The same from the snapshot, with every stop: this is what counts."""
        full = planned.full()
        failed = self._go(full, True)
        planned.others, planned.log = full.others, full.log
        return failed

    def run(self, preemptions: int = 2, most: int = 600, pct: int = 20, walks: int = 20,
            length: int = 20) -> Result:
        """All bounded schedules, `most` at the most; then PCT of depth 2 and 3; then walks."""
        began = time.monotonic()
        rng = random.Random(f"{self.cell.seed}/{self.region.name}")
        self.limit = most + pct + walks
        self._bounded(preemptions, most)
        cpus = self.region.cpus
        for n in range(0 if self.result.failed else pct):
            self._stop_early() or self.try_one(Pct(rng, cpus, length, 2 + n % 2))
        for _ in range(0 if self.result.failed else walks):
            self._stop_early() or self.try_one(Walk(rng))
        self.result.seconds = time.monotonic() - began
        return self.result

    def walk_on(self, number: int, length: int) -> None:
        """So many more, PCT and random walks in turn."""
        began = time.monotonic()
        rng = random.Random(f"{self.cell.seed}/{self.region.name}/more")
        self.limit += max(0, number)
        for n in range(number):
            if self.result.failed:
                break
            self.try_one(Walk(rng) if n % 2 else Pct(rng, self.region.cpus, length, 2 + n % 4 // 2))
        self.result.seconds += time.monotonic() - began

    def _bounded(self, preemptions: int, most: int) -> None:
        left = most
        for planned in (bounded := Bounded(self.region, preemptions, most)):
            if left <= 0 or self._stop_early():
                return
            left -= 1
            self.result.same = bounded.same
            if self.try_one(planned) and len(self.result.failed) == 1:
                left = min(left, AFTER)

    def _stop_early(self) -> bool:
        return bool(self.result.failed) and (self.cell.quick or self.region.m.dead)

    # ---- fewer switches ----

    def shorten(self, failed: Failed, tries: int = 60) -> Failed:
        """The same failure with fewer switches, if leaving some out still gives one."""
        best = failed
        number, left = 0, tries
        while left > 0 and number < len(turns_of(best.moves)):
            turns = turns_of(best.moves)
            fewer = [move for n, turn in enumerate(turns) if n != number for move in turn]
            left -= 1
            again = self._go(Replayed(fewer), True)
            same = again and again.fail.failure.reason == best.fail.failure.reason
            if same and len(turns_of(again.moves)) < len(turns):
                again.number = failed.number
                best = again
            else:
                number += 1
        self._fresh = True
        return best


def turns_of(moves: list[Move]) -> list[list[Move]]:
    """The moves in turns of one CPU."""
    turns: list[list[Move]] = []
    for move in moves:
        if turns and turns[-1][0].cpu == move.cpu:
            turns[-1].append(move)
        else:
            turns.append([move])
    return turns


# ---- every order there is ----

def outcomes(region: Region, look: Callable[[], object], most: int = 20_000) -> tuple[set, int]:
    """Every outcome of every schedule, each store late by any time, and how many were run.

    A state that was reached before is not gone on from: equal states have equal futures.
    """
    found: set = set()
    known: set = set()
    todo: list[list[Move]] = [[]]
    runs = 0
    while todo:
        moves = todo.pop()
        runs += 1
        if runs > most:
            raise GraderError(f"{region.name} has more than {most} schedules")
        run = region.begin(fresh=runs == 1)
        for move in moves:
            run.make(move)
        while (now := _state(run)) not in known:
            known.add(now)
            choices = [Move(RUN, cpu, late=True) for cpu in region.cpus if not run.over(cpu)]
            choices += [Move(WAIT, cpu) for cpu in region.cpus if run.buffers.held(cpu)]
            if not choices:
                found.add(look())
                break
            done = [each.move for each in run.log]
            todo += [done + [choice] for choice in choices[1:]]
            run.make(choices[0])
        run.buffers.drain_all()
    return found, runs


def _state(run: Run) -> tuple:
    run.buffers.show_memory()
    registers = tuple(tuple(run.m.regs(cpu).values[name] for name in run.region.general)
                      for cpu in run.region.cpus)
    return registers, run.buffers.state(), run.region.look()
