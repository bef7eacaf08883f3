"""The ways into the kernel and back: system calls, interrupts, NMIs, a switch of threads."""

from __future__ import annotations

from grader.bench.bed import LIMIT, Bed, call_cost, steps_to, to_entry
from grader.errors import GraderError
from grader.explore.nmi import NmiScene
from grader.explore.registers import IF, USER_DS
from grader.explore.scene import INTERRUPTS_ON, Scene

GETTID, YIELD = 12, 4               # kernel/include/sysnum.h
LOW, HIGH = 0x60, 0xA0              # vectors of two levels
HERE, THERE = 0, 8                  # two places in the checker's row of NOPs


def _registers(scene: Scene, ip: int, **fixed: int) -> dict[str, int]:
    """A program of ring 3 at ip that leaves its segments alone."""
    flat = {} if scene.m.width == 64 else {"ds": USER_DS, "es": USER_DS, "fs": USER_DS}
    return scene.layout.random_program(scene.random, ip, flags=2 | IF, **flat, **scene.honest,
                                       **fixed)


def _ring3(bed: Bed, ip_of=lambda scene: scene.sled(HERE), kind: type[Scene] = Scene,
           **fixed: int) -> Scene:
    """The subject in ring 3, with one thread."""
    scene = bed.scene(kind)
    scene.ready() if isinstance(scene, NmiScene) else scene.tss()
    scene.present()
    scene.enter(_registers(scene, ip_of(scene), **fixed))
    return scene


def _number(scene_width: int, number: int) -> dict[str, int]:
    return {"rax" if scene_width == 64 else "eax": number}


def call_by_gate(bed: Bed) -> int:
    """SYS_GETTID by INT 0x80, from that instruction to the one behind it."""
    scene = _ring3(bed, lambda s: s.checker.address("checker_syscall"),
                   **_number(bed.width, GETTID))
    return steps_to(scene.m, 0, scene.checker.address("checker_syscall_next"))


def call_fast(bed: Bed) -> int:
    """The same by SYSCALL, in 32 bits by SYSENTER."""
    def at(scene: Scene) -> int:
        return scene.checker.address("checker_fast")

    fixed = _number(bed.width, GETTID)
    if bed.width == 32:
        scene = bed.scene()
        fixed |= {"sp": 0x600000, "ecx": 0x600000, "edx": scene.checker.address("checker_fast_next")}
    scene = _ring3(bed, at, **fixed)
    return steps_to(scene.m, 0, scene.checker.address("checker_fast_next"))


def interrupt_of_ring3(bed: Bed) -> int:
    """A device's interrupt, its short handler, and back."""
    scene = _ring3(bed)
    scene.m.interrupt(0, LOW)
    return steps_to(scene.m, 0, scene.sled(HERE))


def interrupt_of_kernel(bed: Bed) -> int:
    """The same, of ring 0 with interrupts on."""
    scene = bed.scene()
    scene.tss()
    scene.present()
    to_entry(scene.m, 0, "probe_sled", flags=INTERRUPTS_ON)
    scene.m.interrupt(0, LOW)
    return steps_to(scene.m, 0, "probe_sled")


def nested_interrupt(bed: Bed) -> int:
    """What one of a higher level adds that comes as soon as the first one lets it in."""
    alone = interrupt_of_ring3(bed)
    scene = _ring3(bed)
    m = scene.m
    m.interrupt(0, LOW)
    done = 1
    m.step(0)
    while not m.regs(0).flags & IF:
        m.step(0)
        done += 1
        if done > LIMIT // 100:
            raise GraderError("the handler of an interrupt never allows another one")
    m.interrupt(0, HIGH)
    return done + steps_to(m, 0, scene.sled(HERE)) - alone


def thread_switch(bed: Bed) -> int:
    """SYS_YIELD of one thread, to the first instruction of the other one in ring 3."""
    scene = bed.scene()
    m = scene.m
    scene.tss()
    scene.present()
    other = scene.thread()
    m.write(m.call(0, "thread_regs", other), scene.layout.pack(_registers(scene, scene.sled(THERE))))
    m.call(0, "thread_ready", other)
    scene.enter(_registers(scene, scene.checker.address("checker_syscall"),
                           **_number(bed.width, YIELD)))
    return steps_to(m, 0, scene.sled(THERE))


def nmi_of_ring3(bed: Bed) -> int:
    """An NMI, the kernel's short handler, and back."""
    scene = _ring3(bed, kind=NmiScene)
    scene.m.nmi(0)
    return steps_to(scene.m, 0, scene.sled(HERE))


def nmi_of_kernel(bed: Bed) -> int:
    """The same, of ring 0."""
    scene = bed.scene(NmiScene)
    scene.ready()
    scene.present()
    to_entry(scene.m, 0, "probe_sled")
    scene.m.nmi(0)
    return steps_to(scene.m, 0, "probe_sled")


def honest_access(bed: Bed) -> int:
    """percpu_read() of four bytes, in a function, with the kernel's GS."""
    bed.again()
    return call_cost(bed.machine, 0, "probe_percpu_read", 4)


def repaired_access(bed: Bed) -> int:
    """32 bits: the same with a selector of ring 3, which faults and is repaired."""
    bed.again()
    m = bed.machine
    m.start(0, "probe_with_gs", 0, m.elf.address("probe_percpu_read"), 4)
    steps_to(m, 0, "probe_percpu_read")
    return steps_to(m, 0, m.ptr(m.regs(0).sp))
