"""Exercise 4.3: tickets."""

from grader.explore.apart import check_all_cpus, check_apart
from grader.explore.explore import explore
from grader.explore.lockcalls import ROUND
from grader.explore.locks import lock_region
from grader.explore.scene import Scene
from grader.explore.waiting import check_pauses, keeps_its_level, wait_for
from grader.machine.types import ADDRESS

ROUNDS = (255, 259)         # acquisitions by one CPU: the next number is the last of eight bits, or
                            # they have wrapped
ROOM = 64


def test_two(cell):
    """Two CPUs take the lock, which is one of several."""
    check_apart(cell, "ticket")
    explore(lock_region(Scene(cell), "ticket", (0, 1), fair=True))
    cell.park()
    # What a release has spoilt only the next round shows.
    explore(lock_region(Scene(cell), "ticket", (0, 1), rounds=2), preemptions=1, most=100,
            pct=4, walks=4)


def test_order(cell):
    """Three and four CPUs get it in the order in which they ask, and wait with PAUSE."""
    scene = Scene(cell)
    keeps_its_level(scene, "probe_ticket_round")
    check_pauses(scene, wait_for(scene, "probe_ticket_round"))
    cell.park()
    for cpus in (3, 4):
        explore(lock_region(Scene(cell), "ticket", range(cpus), fair=True),
                preemptions=5 - cpus, most=150, pct=6, walks=6)
        cell.park()
    check_all_cpus(cell, "ticket")


def test_wrap(cell):
    """Numbers that are about to wrap, in 8, 16 and 32 bits."""
    m = cell.machine
    states = [room_after(m, rounds) for rounds in ROUNDS]
    for rounds, start in ((ROUNDS[0], states[0]), *near_wrap(cell, states)):
        scene = Scene(cell)
        m.write("probe_ticket", start)
        m.write_u32("probe_shared", 0)
        explore(lock_region(scene, "ticket", (0, 1), fair=True, name=f"two CPUs, one lock, {rounds} rounds old"),
                preemptions=1, most=80, pct=4, walks=4)
        cell.park()


def room_after(m, rounds):
    """What the lock holds after one CPU has taken it and given it back so often."""
    m.write("probe_ticket", bytes(ROOM))
    m.call(0, "probe_rounds", m.elf.address("probe_ticket_round"), rounds, budget=400_000)
    return m.read("probe_ticket", ROOM)


def near_wrap(cell, states):
    """The same states after 2^16 - 1 and 2^32 - 1 rounds, if it is plain what these look like: every
    number in the lock is that of the rounds, and one CPU can take the lock and give it back.  Of another
    design nothing is known, and nothing asked."""
    first, second = states
    for bits in (16, 32):
        size = bits // 8
        words = [(int.from_bytes(first[at:at + size], "little"),
                  int.from_bytes(second[at:at + size], "little")) for at in range(0, ROOM, size)]
        if all(pair in ((0, 0), ROUNDS) for pair in words) and ROUNDS in words:
            value = ((1 << bits) - 1).to_bytes(size, "little")
            state = b"".join(value if pair == ROUNDS else bytes(size) for pair in words)
            if is_free(cell, state):
                yield f"2^{bits} - 1", state


def is_free(cell, state):
    """Whether CPU 0 can take the lock in this state, and give it back."""
    m = cell.machine
    m.write("probe_ticket", state)
    m.start(0, "probe_ticket_round")
    there = m.run(0, "probe_returned", ROUND).reason == ADDRESS
    cell.park()
    return there
