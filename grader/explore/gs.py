"""What ring 3 may have in GS, and looks at GS from outside."""

from __future__ import annotations

from dataclasses import dataclass

from grader.explore.registers import USER_DS
from grader.explore.scene import BUDGET, Scene
from grader.machine.types import Unmapped
from grader.verdict import WRONG, Fail

DATA, CODE = 0x10, 0x18             # type bits of a descriptor, with S: data, code
READABLE_CODE = 0x1A
SLOT = 8
PERCPU_SEL = 0x43
OTHER_RPLS = (0x40, 0x41, 0x42)     # of PERCPU_SEL
NO_GS = 0x10000                     # offsets from GS stay below: nothing is mapped there


@dataclass(frozen=True)
class Hostile:
    """Something that ring 3 put into GS: a selector in 32 bits, a base in 64."""

    value: int
    words: str

    def __str__(self) -> str:
        return f"{self.words} ({self.value:#x})"


@dataclass(frozen=True)
class Descriptor:
    """A segment descriptor of the GDT (SDM 3A 3.4.5)."""

    raw: int

    @property
    def present(self) -> bool:
        return bool(self.raw >> 47 & 1)

    @property
    def dpl(self) -> int:
        return self.raw >> 45 & 3

    @property
    def kind(self) -> int:
        """S and the four type bits."""
        return self.raw >> 40 & 0x1F

    @property
    def base(self) -> int:
        return self.raw >> 16 & 0xFFFFFF | self.raw >> 56 << 24

    @property
    def limit(self) -> int:
        limit = self.raw & 0xFFFF | self.raw >> 32 & 0xF0000
        return limit << 12 | 0xFFF if self.raw >> 55 & 1 else limit

    @property
    def writable(self) -> bool:
        """A data segment that grows up and may be written."""
        return self.kind & 0x1E == DATA | 2

    @property
    def for_ring_3(self) -> bool:
        """Whether ring 3 may load it into a data segment register."""
        data = self.kind & CODE == DATA
        readable = self.kind & READABLE_CODE == READABLE_CODE
        conforming = readable and bool(self.kind & 4)
        return self.present and (data or readable) and (self.dpl == 3 or conforming)


def prepared(cell, cpu: int) -> tuple[Scene, int]:
    """A CPU with a thread that is its present one, and the thread."""
    scene = Scene(cell, cpu)
    scene.tss()
    thread = scene.present()
    check_self(scene)
    return scene, thread


def check_self(scene: Scene) -> None:
    """Fails unless the subject, parked, knows which CPU it is: all else stands on that."""
    seen = scene.m.call(scene.cpu, "this_cpu")
    if seen != scene.block:
        raise Fail(WRONG, expected=f"this_cpu() = {scene.block:#x} on CPU {scene.cpu}, before ring 3 "
                   "did anything", seen=f"{seen:#x}{whose(scene, seen)}")


def gdt(scene: Scene) -> list[Descriptor]:
    """The descriptors that the subject's GDTR shows."""
    table = scene.m.regs(scene.cpu).gdt
    raw = scene.m.read(table.base, table.limit + 1, scene.cpu)
    return [Descriptor(int.from_bytes(raw[at:at + SLOT], "little"))
            for at in range(0, len(raw) - SLOT + 1, SLOT)]


def hostile(scene: Scene) -> list[Hostile]:
    """What a thread of the subject may leave in GS to hurt the kernel, in a fixed order.

    The random ones are new for each call.
    """
    rng = scene.random
    if scene.m.width == 64:
        other = scene.block_of(scene.witness)
        return [Hostile(0, "0"),
                Hostile(rng.randrange(0x10000, 1 << 47, 8), "an address of ring 3"),
                Hostile(other, f"CPU {scene.witness}'s own block"),
                Hostile(rng.randrange(0xFFFF_9000_0000_0000, 0xFFFF_FFFF_0000_0000, 8),
                        "an address that looks like the kernel's"),
                Hostile(scene.block, "this CPU's own block")]
    found = [Hostile(0, "a null selector"), Hostile(3, "a null selector with RPL 3"),
             Hostile(USER_DS, "ring 3's flat data"), Hostile(0x20, "the same with RPL 0"),
             Hostile(0x1B, "ring 3's code")]
    table = gdt(scene)
    if PERCPU_SEL // SLOT < len(table) and table[PERCPU_SEL // SLOT].for_ring_3:
        found += [Hostile(rng.choice(OTHER_RPLS), "PERCPU_SEL with another RPL"),
                  Hostile(PERCPU_SEL, "PERCPU_SEL itself")]
    return found


def some(scene: Scene, count: int) -> list[Hostile]:
    """A few of them: the plainest and the wickedest always, the others by chance."""
    every = hostile(scene)
    fixed = [every[0], every[2]]
    rest = [each for each in every if each not in fixed]
    return fixed + scene.random.sample(rest, max(0, count - len(fixed)))


def program(scene: Scene, at: int, gs: Hostile, **fixed: int) -> dict[str, int]:
    """Random registers of a program at this address, with `gs` where it is a selector."""
    if scene.m.width == 32:
        fixed["gs"] = gs.value
    return scene.layout.random_program(scene.random, at, **fixed)


def enter(scene: Scene, regs: dict[str, int], gs: Hostile) -> None:
    """Goes to ring 3 with these registers and with `gs` in GS, which ring 3 loads itself."""
    wide = scene.m.width == 64
    load, source = ("checker_gs_base", "rbx") if wide else ("checker_gs_selector", "ecx")
    scene.enter(regs | scene.honest | {"ip": scene.checker.address(load), source: gs.value})
    scene.run_to(scene.checker.address(f"{load}_next"), f"ring 3's own load of GS, {gs}", budget=8)
    scene.jump(regs["ip"], **{source: regs[source]})


def again(scene: Scene, regs: dict[str, int], gs: Hostile) -> None:
    """As enter(), for a program that is in ring 3 already: only what is not as it was is changed."""
    wide = scene.m.width == 64
    load, source = ("checker_gs_base", "rbx") if wide else ("checker_gs_selector", "ecx")
    scene.jump(scene.checker.address(load), **{source: gs.value})
    scene.run_to(scene.checker.address(f"{load}_next"), f"ring 3's own load of GS, {gs}", budget=8)
    scene.jump(regs["ip"], **{name: regs[name] for name in scene.layout.general})


def kept(regs: dict[str, int]) -> dict[str, int]:
    """What of these registers ring 3 has to find again.

    IRET to ring 3 may clear the RPL of a null selector (SDM 2A, IRET): Bochs does, QEMU does not.
    """
    null_with_rpl = 0 < regs.get("gs", 0) < 4
    return {name: value for name, value in regs.items() if not (null_with_rpl and name == "gs")}


def selector_and_bases(scene: Scene) -> dict[str, int]:
    """All that there is of GS on the subject; a null selector without its RPL, as kept() says."""
    regs = scene.m.regs(scene.cpu)
    seen = {"GS": regs.gs if regs.gs > 3 else 0}
    if scene.m.width == 64:
        seen |= {"GS base": regs.gs_base, "the other base (KERNEL_GS_BASE)": regs.kernel_gs_base}
    return seen


def check_unchanged(scene: Scene, before: dict[str, int], **details) -> None:
    """Fails if anything of GS is not what it was."""
    for name, now in selector_and_bases(scene).items():
        if now != before[name]:
            raise Fail(WRONG, expected=f"{name} = {before[name]:#x}, exactly as it was",
                       seen=f"{name} = {now:#x}", **details)


def check_own(scene: Scene, gs: Hostile, **details) -> None:
    """In ring 3 again: fails unless its GS is its own.  In 32 bits check_user() looks at it."""
    if scene.m.width == 32:
        return
    now = scene.m.regs(scene.cpu).gs_base
    if now != gs.value:
        cause = ("the kernel's base is in GS while ring 3 runs." if now == scene.block else
                 "ring 3's base is ring 3's: the kernel has to give back what it found.")
        raise Fail(WRONG, expected=f"GS base {gs.value:#x} in ring 3 again, its own",
                   seen=f"{now:#x}", cause=cause, **details)


def check_stack(scene: Scene, name: str, gs: Hostile | None = None, **details) -> None:
    """At a C function that an entry calls: fails unless it is on this CPU's kernel stack."""
    low, top = scene.kernel_stack()
    sp = scene.m.regs(scene.cpu).sp
    if low < sp <= top:
        return
    with_gs = f"; ring 3 had {gs} in GS" if gs else ""
    raise Fail(WRONG, expected=f"{name}() on CPU {scene.cpu}'s kernel stack, {low:#x} to {top:#x}",
               seen=f"{scene.layout.title('sp')} = {sp:#x}{whose(scene, sp)}{with_gs}", **details)


def whose(scene: Scene, address: int) -> str:
    """Which CPU's block or kernel stack an address is in, for a report; "" if it is in none."""
    for cpu in range(scene.m.cpus):
        block = scene.block_of(cpu)
        if block <= address < block + scene.offset["cpu_size"]:
            return f", in CPU {cpu}'s block"
        top = scene.m.ptr(block + scene.offset["cpu_kstack_top"])
        if top - scene.offset["kstack_size"] < address <= top:
            return f", on CPU {cpu}'s kernel stack"
    return ""


def check_found(scene: Scene, vector: int, times: int = 1, **details) -> None:
    """Fails unless the handler of `vector` ran, and took itself to be on the CPU that it ran on."""
    scene.check_answered(vector, times, **details)
    seen = scene.m.u32(scene.m.elf.address("probe_where") + 4 * vector)
    if seen != scene.cpu:
        raise Fail(WRONG, expected=f"this_cpu() is CPU {scene.cpu} in the handler of vector "
                   f"{vector:#x}", seen=f"CPU {seen}",
                   cause="the handler ran with another CPU's block, and changed that.", **details)


def check_no_page_0(scene: Scene, **details) -> None:
    """Fails if something was mapped where a GS without a base points."""
    for page in range(0, NO_GS, 0x1000):
        try:
            scene.m.read(page, 1, scene.cpu)
        except Unmapped:
            continue
        raise Fail(WRONG, expected="the first 64 KiB mapped nowhere, as before",
                   seen=f"a page at {page:#x}",
                   cause="ring 3 would read, or write, what the kernel takes for its own block.",
                   **details)


def interrupted(scene: Scene, gs: Hostile):
    """Ring 3 with `gs`, a device's interrupt, and the kernel until it leaves; nothing is checked
    in ring 3.  Gives the registers, the vector and where it was."""
    regs = program(scene, scene.sled(scene.random.randrange(0, 20)), gs)
    vector = scene.vector()
    enter(scene, regs, gs)
    scene.fresh_token()
    place = scene.user_place()
    place.note = f"ring 3, with {gs} in GS"
    scene.m.interrupt(scene.cpu, vector)
    scene.run_to("kintr", "kintr() called within the budget", at=place)
    check_stack(scene, "kintr", gs, at=place)
    scene.run_to_leave(at=place)
    return regs, vector, place


def run_back(scene: Scene, ip: int, expected: str, place) -> None:
    """Runs on to ring 3.  A CPU that goes idle instead took itself for another."""
    try:
        scene.run_to(ip, expected, at=place, budget=2 * BUDGET)
    except Fail as fail:
        if fail.failure.seen.startswith("halted"):
            fail.failure.cause = ("the kernel went idle, though this thread can run: it looked into "
                                  "the block of another CPU, which has no thread.")
        raise


def back_in_ring_3(scene: Scene, regs: dict[str, int], gs: Hostile, place) -> None:
    """Runs on to ring 3: its registers and its GS are its own."""
    run_back(scene, regs["ip"], f"ring 3 again; it had {gs} in GS", place)
    scene.check_user(kept(regs), at=place)
    check_own(scene, gs, at=place)
