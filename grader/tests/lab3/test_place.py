"""Exercise 3.1: a place for NMIs.  The lab's handler does not run here: at its first instruction the
grader executes an IRET, so that only what the hardware does is tried."""

from grader.explore.nmi import FromRing3, NmiScene
from grader.explore.scene import SUBJECT
from grader.explore.sweep import given, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

PAGE = 0x600000         # where two threads have a page each


class Bounced(FromRing3):
    """A way on which no NMI reaches knmi()."""

    seen = False

    def look(self):
        pass


def test_stack(cell):
    """Before each instruction of the lab from ring 3 to ring 3: where does the frame go?"""
    scene = NmiScene(cell)
    scene.ready()
    go = Bounced(scene, "interrupt of ring 3", "interrupt")
    start = go.start()
    path = labs_own(scene, trace(scene, go.name, go.until(), "ring 3 again", nmis=True))
    sweep(scene, start, path, scene.bounced, go.finish, go.again)


def test_address_spaces(cell):
    """Ring 3 changes from one thread to another, with an NMI before each instruction of that.  And
    each CPU has an address space of its own."""
    scene = NmiScene(cell)
    scene.ready()
    m, layout = scene.m, scene.layout
    threads = [scene.thread(), scene.thread()]
    words = [cell.random.randbytes(16) for _ in threads]
    for thread, word in zip(threads, words):
        page = m.call(SUBJECT, "probe_map", thread, PAGE, budget=200_000)
        m.write(page, word)
    first, second = threads
    scene.adopt(first)
    scene.guard(*threads)
    programs = [layout.random_program(scene.random, scene.sled(at), **scene.honest)
                for at in (1, 9)]
    m.write(scene.thread_regs(second), layout.pack(programs[1]))
    scene.enter(programs[0])
    scene.bounce()
    m.write_ptr("probe_wake", second)
    vector = scene.vector()

    def again():
        """The thread whose turn it is loses it."""
        scene.turn = 1 - scene.turn
        scene.forget()
        m.write_u32("probe_resched", 1)
        m.interrupt(SUBJECT, vector)

    scene.turn = 0
    again()
    start = m.snapshot()
    path = trace(scene, "from one thread to another", [programs[1]["ip"]],
                 "the other thread's turn", nmis=True)
    low, high = m.elf.address("as_activate"), m.elf.address("as_activate") + m.elf.size("as_activate")
    first = next((b.index for b in path.boundaries if b.pc == low), 0)
    path.boundaries = [b for b in path.boundaries if b.index >= first
                       and (low <= b.pc < high or not given(scene, b.pc))]

    def finish():
        mine, its = words[scene.turn], words[1 - scene.turn]
        program = programs[scene.turn]
        scene.run_to(program["ip"], "the other thread's turn")
        seen = m.read(PAGE, len(mine))
        if seen != mine:
            whose = "the thread's before it" if seen == its else "nobody's"
            raise Fail(WRONG, expected="the other thread in its own memory",
                       seen=f"the page at {PAGE:#x} is {whose}",
                       cause="a task switch loads CR3 from the TSS, and never saves it there.")
        scene.check_user(program)
        scene.check_canaries()

    sweep(scene, start, path, scene.bounced, finish, again)
    cell.park()
    own_spaces(cell)


def own_spaces(cell):
    """Every CPU goes into one address space and out again, one after another: an NMI changes CR3
    nowhere."""
    scenes = [NmiScene(cell, cpu) for cpu in range(cell.machine.cpus)]
    for scene in scenes:
        scene.ready()
    m = cell.machine
    space = m.ptr(scenes[0].thread() + scenes[0].offset["thread_as"])
    for activated in (space, 0, space):
        for scene in scenes:
            m.call(scene.cpu, "as_activate", activated)
        for scene in scenes:
            m.start(scene.cpu, "probe_sled")
            scene.run_to("probe_sled", "the grader's own code")
            before = m.regs(scene.cpu).cr3
            scene.bounce()
            seen = m.regs(scene.cpu).cr3
            if seen != before:
                raise Fail(WRONG, expected=f"CR3 = {before:#x} on CPU {scene.cpu} after an NMI, "
                           "as before", seen=f"{seen:#x}",
                           cause="nmi_note_cr3() speaks of one CPU, and the others do not know it.")
            scene.run_to("probe_returned", "the grader's own code")
    cell.park()


def test_each_cpu(cell):
    """One on each CPU; none goes back before all of them are there."""
    scenes = [NmiScene(cell, cpu) for cpu in range(cell.machine.cpus)]
    ways = [Bounced(scene, f"CPU {scene.cpu}", "interrupt") for scene in scenes]
    for scene, way in zip(scenes, ways):
        way.vector = 0x50 + 5 * scene.cpu + cell.random.randrange(5)    # one each: they are counted
        scene.ready()
    for way in reversed(ways):      # CPU 0 last: it makes the threads
        way.start()
    token = scenes[0].token
    before = []
    for scene in scenes:
        scene.token = token
        before.append(scene.m.regs(scene.cpu))
        scene.deliver()
    stacks = {scene.m.regs(scene.cpu).sp & -4096 for scene in scenes}
    if len(stacks) != len(scenes):
        raise Fail(WRONG, expected="each CPU's NMI on memory of its own",
                   seen=f"{len(scenes)} CPUs on {len(stacks)} stacks")
    for scene, way, regs in zip(scenes, ways, before):
        scene.send_back(regs)
        way.finish()
