"""Exercise 3.3: work that an NMI leaves for later."""

from grader.explore.nmi import NmiScene
from grader.explore.scene import INTERRUPTS_ON
from grader.explore.sweep import labs_own, sweep, trace
from grader.verdict import WRONG, Fail

KERNEL_WORKS = 16
LOST = "a read, a change and a write are three steps: what an NMI writes between them is lost."
AGAIN = "the note was taken away when the work had begun already, and with it what the NMI had noted."


def test_soon(cell):
    """An NMI defers work: in ring 3, and in an idle CPU, it runs at once or after one tick."""
    for idle in (False, True):
        scene = NmiScene(cell)
        scene.ready()
        work = cell.random.randrange(KERNEL_WORKS)
        scene.order(defer=1 << work)
        if idle:
            scene.m.start(scene.cpu, "idle_loop")
            scene.run_to_hlt()
        else:
            scene.present()
            regs = scene.layout.random_program(cell.random, scene.sled(2), **scene.honest)
            scene.enter(regs)
        scene.forget()
        scene.m.nmi(scene.cpu)
        scene.see()
        ran = scene.works_until([] if idle else [scene.sled(6)])
        scene.check_nmis()
        scene.check_work(work, ran)
        cell.park()
    asked_with_interrupts_on(cell)


def asked_with_interrupts_on(cell):
    """The kernel itself asks, at PASSIVE level: the interrupt can come before nmi_defer() is done."""
    scene = NmiScene(cell)
    work = cell.random.randrange(KERNEL_WORKS)
    scene.forget()
    scene.m.start(scene.cpu, "nmi_defer", work, flags=INTERRUPTS_ON)
    ran = scene.works_until(["probe_returned"])
    if work not in ran:
        scene.m.interrupt(scene.cpu, scene.vector(0xA0, 0xC0))
        scene.m.start(scene.cpu, "probe_sled", flags=INTERRUPTS_ON)
        ran = scene.works_until(["probe_returned"])
    if work not in ran:
        raise Fail(WRONG, expected=f"work {work}, which the kernel asked for, runs within a tick",
                   seen="it has not run",
                   cause="the interrupt that is to run it came before the work was noted.")
    cell.park()


def test_both(cell):
    """The kernel asks for work, or runs some; before each instruction an NMI asks for more, or for
    the same once more."""
    for asks, same in ((True, False), (False, False), (False, True)):
        scene = NmiScene(cell)
        scene.ready()
        mine, its = cell.random.sample(range(KERNEL_WORKS), 2)
        if same:
            its = mine
        scene.order(defer=1 << its)
        m = scene.m

        def again():
            scene.forget()
            if asks:
                m.start(scene.cpu, "nmi_defer", mine)
            else:
                m.call(scene.cpu, "nmi_defer", mine)
                m.start(scene.cpu, "nmi_run_deferred")

        def finish():
            ran = scene.works_until(["probe_returned"])
            m.start(scene.cpu, "nmi_run_deferred")
            ran += scene.works_until(["probe_returned"])
            works = scene.check_nmis().works
            for work, who in ((mine, "the kernel"), (its, "the NMI")):
                if work not in ran and (work == its or not works[work]):
                    raise Fail(WRONG, expected=f"work {work}, which {who} asked for, runs"
                               f"{' once more, after that' if same else ''}", seen="it never does",
                               cause=AGAIN if same else LOST)

        again()
        start = m.snapshot()
        name = "nmi_defer()" if asks else "nmi_run_deferred()"
        path = labs_own(scene, trace(scene, name, [m.elf.address("probe_returned")],
                                     "its return", nmis=True))
        sweep(scene, start, path, scene.event, finish, again)
        cell.park()


def test_many(cell):
    """On each CPU: some works are asked for at once, and exactly these run, whatever the others do."""
    for cpu in range(cell.machine.cpus):
        scene = NmiScene(cell, cpu)
        scene.forget()
        works = cell.random.sample(range(KERNEL_WORKS), 7)
        for work in works:
            scene.m.call(cpu, "nmi_defer", work)
        for other in range(cell.machine.cpus):
            if other != cpu:
                scene.m.call(other, "nmi_run_deferred")
        if any(scene.nmis().works) or any(NmiScene(cell, o).nmis().works[w] for w in works
                                          for o in range(cell.machine.cpus)):
            raise Fail(WRONG, expected="deferred work runs later, on the CPU that asked",
                       seen="it ran at once, or on another CPU")
        scene.m.call(cpu, "nmi_run_deferred")
        ran = [work for work, times in enumerate(scene.nmis().works) if times]
        if ran != sorted(works):
            raise Fail(WRONG, expected=f"works {sorted(works)} on CPU {cpu}", seen=f"{ran}",
                       cause="one look has to find all that was asked for: NMIs do not queue up.")
        scene.m.call(cpu, "nmi_run_deferred")
        if [w for w, times in enumerate(scene.nmis().works) if times > 1]:
            raise Fail(WRONG, expected="work that has run is not run again", seen="it is")
        cell.park()
    for function in ("nmi_defer", "nmi_run_deferred"):
        NmiScene(cell).check_keeps_at_levels(function, cell.random.randrange(KERNEL_WORKS))
    meanwhile(cell)


def meanwhile(cell):
    """CPU 0 is in the middle of its work, and CPU 1 does its own."""
    busy, scene = NmiScene(cell), NmiScene(cell, 1)
    first, second = cell.random.sample(range(KERNEL_WORKS), 2)
    busy.m.call(0, "nmi_defer", first)
    busy.m.start(0, "nmi_run_deferred")
    busy.run_to("nmi_work", "nmi_work() called for what was asked for")
    scene.m.call(1, "nmi_defer", second)
    scene.m.start(1, "nmi_run_deferred")
    ran = scene.works_until(["probe_returned"])
    if ran != [second]:
        raise Fail(WRONG, expected=f"work {second} on CPU 1, while CPU 0 is in its own work",
                   seen=f"{ran or 'none'}", cause="each CPU has its own work, and waits for nobody.")
    busy.run_to("probe_returned", "nmi_run_deferred() returns")
    cell.park()
