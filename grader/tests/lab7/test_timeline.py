"""Exercise 7.3: one timeline of all CPUs."""

from grader.explore.traces import CLOCK, TraceScene
from grader.verdict import WRONG, Fail


def test_order(cell):
    """Events of up to eight CPUs, in any order, some read in between: none lost, and in order."""
    for cpus in (1, 2, 3, 4, 8) if cell.emu == "qemu" else (2, 4, 8):
        cell.use(cpus)
        scene = TraceScene(cell)
        scene.clock_near(1 << 20)
        made, seen = [], []
        for number in range(24):
            if number == 12:
                scene.clock_near(0)         # time goes on, and its low half begins anew
            cpu = scene.random.randrange(cpus)
            value = scene.value()
            scene.hit(CLOCK, value, cpu)
            made.append((cpu, value))
            if scene.random.random() < 0.2:
                seen.append(scene.next(scene.random.randrange(cpus)))
        seen += scene.rest_of()
        got = [(event.cpu, event.value) if event else None for event in seen]
        if got != made:
            wrong = next((n for n, (a, b) in enumerate(zip(got, made)) if a != b),
                         min(len(got), len(made)))
            raise Fail(WRONG, expected=f"{len(made)} events in the order in which they came",
                       seen=f"{len(got)}, and number {wrong} is another one",
                       cause="the earliest one of all CPUs comes first, whichever CPU it is of.")
        scene.hit(CLOCK, 1)
        scene.check_stays("probe_trace_next")


def test_half(cell):
    """A CPU is in the middle of an event: the others' are read, its own only when it is whole."""
    scene = TraceScene(cell)
    m = scene.m
    m.start(1, "probe_trace_hit", CLOCK, 1)
    scene.run_cpu(1, "trace_hit", "trace_hit()")
    begun = m.snapshot()
    steps, _ = m.walk(1, "probe_returned", 400)
    for count in range(1, len(steps)):
        m.restore(begun)
        m.step(1, count)
        scene.hit(CLOCK, 2, 0)
        early = scene.rest_of()
        if not any(event.same(CLOCK, 0, 2) for event in early):
            raise Fail(WRONG, expected="the event of CPU 0, though CPU 1 is in the middle of one",
                       seen="it is not there", at=m.place(steps[count].pc))
        scene.run_cpu(1, "probe_returned", "trace_hit() returns")
        late = scene.rest_of()
        whole = [event for event in early + late if event.same(CLOCK, 1, 1)]
        if len(whole) != 1 or len(early + late) != 2:
            raise Fail(WRONG, expected="the event of CPU 1, once and whole, when it is",
                       seen=f"{len(whole)} of {len(early + late)} events are it",
                       at=m.place(steps[count].pc))
