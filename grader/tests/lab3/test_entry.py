"""Exercise 3.2: an NMI before each instruction of the ways into and out of the kernel."""

from grader.explore.nmi import FromIdle, FromKernel, FromRing3, NmiScene
from grader.explore.registers import AC, DF, IF, NT, TF
from grader.explore.sweep import given, labs_own, sweep, trace, walk
from grader.verdict import WRONG, Fail, Place


def swept(cell, way, *rest, cpu=0, all_code=False, keys=None, **settings):
    """An NMI before each instruction of a way, which must end as if there had been none."""
    scene = NmiScene(cell, cpu)
    scene.ready()
    go = way(scene, *rest, **settings)
    start = go.start()
    path = trace(scene, go.name, go.until(), "the end of the way", go.ends, nmis=True, keys=keys)
    if not all_code:
        path = labs_own(scene, path)
    sweep(scene, start, path, scene.event, go.finish, go.again)
    cell.park()


def test_hostile(cell):
    """Ring 3 has set every flag that it may, and has nothing in its segments."""
    wide = cell.width == 64
    flags = (DF, AC, NT, DF | AC | NT, TF)
    for flag in flags:
        scene = NmiScene(cell)
        scene.ready()
        scene.present()
        empty = {} if wide else {name: 0 for name in ("ds", "es", "fs", "gs")}
        regs = scene.layout.random_program(scene.random, scene.sled(5), flags=2 | IF | flag, **empty)
        scene.enter(regs)
        place = scene.user_place("NMI came before")
        scene.forget()
        scene.m.nmi(scene.cpu)
        scene.run_to("knmi", "knmi() called within the budget", at=place)
        scene.check_argument(regs, at=place)
        if flag == TF:
            saved = scene.run_to_trap("the debug exception after one instruction", at=place)
            if saved["vector"] != 1 or saved["ip"] not in (regs["ip"], regs["ip"] + 1):
                raise Fail(WRONG, expected="a debug exception of ring 3",
                           seen=f"vector {saved['vector']} at {saved['ip']:#x}", at=place)
        else:
            end = regs["ip"] + 3
            scene.run_to(end, "ring 3 again, after the NMI", at=place)
            scene.check_user(dict(regs, ip=end), at=place)
        scene.check_nmis(at=place)
        scene.check_canaries(at=place)
        scene.check_open()
        cell.park()
    jumped(cell)


def jumped(cell):
    """Ring 3 has jumped to an instruction of the NMI's own way back: the next thing is a page fault,
    of ring 3."""
    scene = NmiScene(cell)
    scene.ready()
    scene.present()
    m = scene.m
    regs = scene.layout.random_program(scene.random, scene.sled(5), **scene.honest)
    scene.enter(regs)
    start = m.snapshot()
    m.nmi(scene.cpu)
    steps = walk(scene, [scene.sled(6)], "ring 3 again, after the NMI")
    for pc in {step.pc: None for step in steps if step.cpl == 0 and not given(scene, step.pc)}:
        m.restore(start)
        scene.forget()
        scene.jump(pc)
        place = Place(f"{pc:#x}", "", "", "ring 3, which has jumped there", "NMI came at")
        m.nmi(scene.cpu)
        scene.run_to("knmi", "knmi() called within the budget", at=place)
        scene.check_argument(regs | {"ip": pc}, at=place)
        saved = scene.run_to_trap("a page fault of ring 3", at=place)
        if (saved["vector"], saved["ip"], saved["cs"] & 3) != (14, pc, 3):
            raise Fail(WRONG, expected=f"a page fault of ring 3 at {pc:#x}", at=place,
                       seen=f"vector {saved['vector']} at {saved['ip']:#x}, "
                       f"CS {saved['cs']:#x}",
                       cause="an address in the saved IP says nothing while CS says ring 3.")
        scene.check_nmis(at=place)


def test_fpu(cell):
    """Before an instruction of the FPU: a task switch sets CR0.TS."""
    scene = NmiScene(cell)
    scene.ready()
    scene.present()
    start = scene.checker.address("checker_fpu")
    regs = scene.layout.random_program(scene.random, start)
    scene.enter(regs)
    place = scene.user_place("NMI came before")
    scene.forget()
    scene.m.nmi(scene.cpu)
    scene.run_to("knmi", "knmi() called within the budget", at=place)
    scene.run_to(start + 2, "ring 3 again, after its instruction", at=place)
    scene.check_user(dict(regs, ip=start + 2), at=place)
    scene.check_nmis(at=place)
    scene.check_open()


def test_interrupt(cell):
    """A device interrupts ring 3: the lab's code, and the kernel's."""
    swept(cell, FromRing3, "interrupt of ring 3", "interrupt", all_code=True)


def test_trap(cell):
    """Ring 3 makes a system call, and a page fault; in 32 bits with nothing in GS too."""
    keys = set()
    swept(cell, FromRing3, "system call", "syscall", keys=keys)
    swept(cell, FromRing3, "page fault of ring 3", "page", keys=keys)
    if cell.width == 32:
        swept(cell, FromRing3, "interrupt of ring 3, GS null", "interrupt", keys=keys,
              hostile={"gs": 0})


def test_kernel(cell):
    """A device interrupts the kernel, and an idle CPU."""
    keys = set()
    swept(cell, FromKernel, "interrupt of the kernel", keys=keys)
    swept(cell, FromIdle, "interrupt of an idle CPU", keys=keys)


def test_other_cpu(cell):
    """The same on CPU 1: from ring 3 and from idle."""
    keys = set()
    swept(cell, FromRing3, "interrupt of ring 3 on CPU 1", "interrupt", cpu=1, keys=keys)
    swept(cell, FromIdle, "interrupt of CPU 1, idle", cpu=1, keys=keys)
