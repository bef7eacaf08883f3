"""Exercise 1.1: the TSS."""

from grader.explore.scene import SUBJECT, WITNESS, Scene
from grader.verdict import WRONG, Fail

TSS_SELECTOR, KERNEL_DS, TSS_SIZE = 0x30, 0x10, 104
SP0 = 4                                 # RSP0 and ESP0 are both at 4 (SDM 3A 8.2.1, 8.7)
SS0, IOPB = 8, 102
IST_OF = {1: 0, 2: 1, 3: 2, 4: 3}       # IST number: index into cpu->own_top[]
IST_NAMES = {1: "double fault", 2: "NMI", 3: "machine check", 4: "debug"}


def test_task_register(cell):
    """tss_init() on a TSS full of rubbish: what does each CPU find through its task register?"""
    for cpu in (SUBJECT, WITNESS):
        _check_task_register(cell, Scene(cell, cpu))
        cell.park()


def _check_task_register(cell, scene):
    m = scene.m
    m.write(scene.block + scene.offset["cpu_tss"], cell.random.randbytes(TSS_SIZE))
    scene.tss()
    tr = m.regs(scene.cpu).tr
    if tr.selector != TSS_SELECTOR:
        raise Fail(WRONG, expected=f"task register = {TSS_SELECTOR:#x}", seen=f"{tr.selector:#x}",
                   cause="the CPU looks for a stack in the TSS that LTR named, nowhere else.")
    if tr.base != scene.block + scene.offset["cpu_tss"]:
        raise Fail(WRONG, expected=f"the task register's base at cpu->tss, on CPU {scene.cpu}",
                   seen=f"{m.elf.name(tr.base)}",
                   cause="each CPU needs a TSS of its own: two that share one share a stack.")
    if tr.limit < TSS_SIZE - 1:
        raise Fail(WRONG, expected=f"a TSS limit of at least {TSS_SIZE - 1}", seen=str(tr.limit))
    tss = m.read(tr.base, TSS_SIZE)
    iopb = int.from_bytes(tss[IOPB:IOPB + 2], "little")
    if iopb <= tr.limit:
        raise Fail(WRONG, expected=f"an I/O bitmap beyond the limit ({tr.limit})",
                   seen=f"offset {iopb}",
                   cause="inside the limit, the bytes there decide which ports ring 3 may use.")
    named = [(SP0, cell.width // 8), (IOPB, 2)]
    named += [(SS0, 2)] if cell.width == 32 else [(28 + 8 * ist, 8) for ist in IST_OF]
    rest = bytearray(tss)
    for start, size in named:
        rest[start:start + size] = bytes(size)
    if any(rest):
        at = next(i for i, byte in enumerate(rest) if byte)
        raise Fail(WRONG, expected="every other byte of the TSS 0",
                   seen=f"{rest[at]:#04x} at offset {at}, which was there before")
    if cell.width == 32:
        ss0 = int.from_bytes(tss[SS0:SS0 + 2], "little")
        if ss0 != KERNEL_DS:
            raise Fail(WRONG, expected=f"SS0 = {KERNEL_DS:#x}", seen=f"SS0 = {ss0:#x}",
                       cause="the CPU loads SS from SS0 when ring 3 is interrupted.")
        return
    for ist, index in IST_OF.items():
        seen = int.from_bytes(tss[28 + 8 * ist:36 + 8 * ist], "little")
        top = m.ptr(scene.block + scene.offset["cpu_own_top"] + 8 * index)
        if seen != top:
            raise Fail(WRONG, expected=f"IST {ist} ({IST_NAMES[ist]}) = {top:#x}",
                       seen=f"{seen:#x}")


def test_entry_stack(cell):
    """tss_set_sp0() for two threads of each CPU: may the hardware push a frame there?"""
    for cpu in (SUBJECT, WITNESS):
        _check_entry_stacks(Scene(cell, cpu))
        cell.park()


def _check_entry_stacks(scene):
    m = scene.m
    scene.tss()
    threads = [scene.thread(), scene.thread()]
    where = {scene.thread_regs(thread) for thread in threads}
    if len(where) != 2:
        raise Fail(WRONG, expected="a place for the registers of each thread",
                   seen="thread_regs() gives the same address for two threads")
    another = scene.block_of(scene.witness) + scene.offset["cpu_tss"], TSS_SIZE
    before = m.read(*another)
    for thread in threads:
        m.call(scene.cpu, "tss_set_sp0", scene.block, thread)
        if m.read(*another) != before:
            raise Fail(WRONG, expected=f"cpu->tss of CPU {scene.cpu} changed, and no other",
                       seen=f"that of CPU {scene.witness} changed",
                       cause="each CPU loads its stack from its own TSS.")
        sp0 = m.ptr(m.regs(scene.cpu).tr.base + SP0)
        _check_stack(scene, thread, sp0)


def _check_stack(scene, thread, sp0):
    frame = 5 * scene.layout.word
    if scene.m.width == 64 and sp0 % 16:
        raise Fail(WRONG, expected="RSP0 a multiple of 16", seen=f"{sp0:#x}",
                   cause="the CPU rounds RSP0 down before it pushes: every field moves by 8.",
                   read="handout 1, section 2")
    size = scene.offset["canary_size"]
    low = thread + scene.offset["thread_lab1"] + size
    areas = {"the thread's area": (low, low + scene.offset["area1_size"])}
    low = scene.block + scene.offset["cpu_lab1"] + size
    areas["the CPU's area"] = (low, low + scene.offset["area1_size"])
    areas["the CPU's kernel stack"] = scene.kernel_stack()
    if not any(low <= sp0 - frame and sp0 <= high for low, high in areas.values()):
        raise Fail(WRONG, expected="a stack pointer with room for a frame in " +
                   " or ".join(areas), seen=f"{scene.layout.title('sp')}0 = {sp0:#x}",
                   cause=f"the CPU will push {frame} bytes below it, over something else.")
