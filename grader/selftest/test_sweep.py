"""The sweep itself: cases that follow one another, and whose damage a later one shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from grader.errors import GraderError
from grader.explore.sweep import CHAIN, Boundary, Event, _Cases
from grader.verdict import Fail


@dataclass
class World:
    """A machine of one number, which is where it stands, and a mark that a case may leave."""

    pc: int = 0
    mark: bool = False
    restores: int = 0
    dead: bool = False
    token: int = 0
    turn: int = 0
    cpu: int = 0
    seen: list[int] = field(default_factory=list)

    @property
    def m(self):
        return self

    def restore(self, start) -> None:
        self.pc, self.mark = start
        self.restores += 1

    def run(self, cpu, pc, budget, exact=True):
        self.pc = pc
        return type("Stop", (), {"reason": "address"})


def boundaries(count):
    return [Boundary(index, 100 + index, 0, 0) for index in range(1, count + 1)]


def cases(world, wrong=(), marks=(), again=True):
    """Cases of which those at `wrong` fail at once, and those at `marks` make the next one fail."""
    def finish():
        world.seen.append(world.pc)
        if world.mark or world.pc in wrong:
            raise Fail(seen=f"at {world.pc}")
        world.mark = world.pc in marks

    def back():
        world.pc = 0

    event = Event(lambda: None, "NMI", 2, masked=False)
    made = _Cases(world, (0, False), event, finish, back if again else None)
    return made




@pytest.fixture(autouse=True)
def pc_is_a_number(monkeypatch):
    """The sweep asks the machine where it stands; here that is a field."""
    monkeypatch.setattr("grader.explore.sweep._go", lambda scene, b: setattr(scene, "pc", b.pc))


def test_a_chain_restores_seldom():
    world = World()
    run = cases(world)
    assert [run.run(b) for b in boundaries(2 * CHAIN)] == [None] * (2 * CHAIN)
    assert world.restores == 2


def test_without_a_way_back_each_case_restores():
    world = World()
    run = cases(world, again=False)
    assert not any(run.run(b) for b in boundaries(5))
    assert world.restores == 5


def test_a_wrong_case_is_named_and_the_others_are_not():
    run = cases(World(), wrong={103})
    failed = [b.pc for b in boundaries(6) if run.run(b) is not None]
    assert failed == [103]


def test_hidden_damage_is_traced_back():
    run = cases(World(), marks={102})
    outcomes = [run.run(b) for b in boundaries(6)]
    assert [o.boundary.pc for o in outcomes if o is not None] == [102]


def test_damage_that_adds_up_is_the_kernels():
    """Nothing fails alone or after one other, but the fifth case in a row does."""
    world = World()
    run = cases(world)
    count = [0]

    def finish():
        count[0] += 1
        if count[0] == 5:
            raise Fail(seen="the stack is full")

    def restore(start):
        count[0] = 0
        World.restore(world, start)

    run.finish, world.restore = finish, restore
    outcomes = [run.run(b) for b in boundaries(5)]
    assert outcomes[:4] == [None] * 4
    assert "5 cases one after another" in outcomes[4].fail.failure.extra[0]


def test_a_case_that_fails_now_and_then_is_the_graders_trouble():
    world = World()
    run = cases(world)
    first, second = boundaries(2)
    assert run.run(first) is None
    world.mark = True
    with pytest.raises(GraderError):
        run.run(second)
