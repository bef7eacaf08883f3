"""Exercise 5.5: an instruction is written over without holding anybody."""

from grader.explore.ipis import NOP, ON, ROUNDS, TURN, WALKED, Turns
from grader.verdict import WRONG, Fail

NAMES = ("the NOP", "the jump")
POKED = 3               # where probe_seen has its results
ELSEWHERE = ("probe_other_site", "probe_patched")      # where it does not write
LOW = 0x2E              # a vector at DISPATCH_LEVEL
SMALL = 8               # instructions of a turn that is not to go far beyond a step
EVERY = 12              # one in so many of them is tried, and the last


def check_written(scene, code):
    seen = scene.m.read("probe_poke_site", len(code))
    if seen != code:
        raise Fail(WRONG, expected=f"the instruction is {code.hex(' ')}", seen=seen.hex(" "))


def alone(scene, caller):
    """CPU `caller` writes, and no other CPU has had a turn: INT3, and no more."""
    before = scene.m.read("probe_poke_site", 5)
    scene.m.start(caller, "probe_poke", flags=ON)
    for _ in range(2):
        back = scene.give(caller, "probe_returned")
        seen = scene.m.read("probe_poke_site", 5)
        if back or seen[1:] != before[1:] or seen[0] not in (0xCC, before[0]):
            raise Fail(WRONG, expected="INT3 and the old bytes, until every other CPU has answered",
                       seen=f"{seen.hex(' ')}, and no other CPU has had a turn")


def test_poke(cell):
    """There and back, by each CPU; a breakpoint that is somebody else's stays that."""
    for caller in range(cell.machine.cpus):
        scene = Turns(cell)
        scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
        for code in (scene.jump(), NOP, scene.jump()):
            scene.code(code)
            alone(scene, caller)
            scene.returned(caller)
            scene.accepted(caller)
            check_written(scene, code)
        not_ours(scene, caller, "probe_poke_site", *ELSEWHERE)
        cell.park()


def not_ours(scene, cpu, *places):
    """text_trap() of a place where nobody writes: false, and the registers as they were."""
    regs = scene.m.elf.address("probe_regs")
    for place in places:
        before = scene.layout.pack({"ip": scene.m.elf.address(place) + 1, "cs": 8, "vector": 3})
        scene.m.write(regs, before)
        if scene.m.call(cpu, "text_trap", regs) & 0xFF or \
                scene.m.read(regs, len(before)) != before:
            raise Fail(WRONG, expected="a breakpoint where text_poke() does not write is not its",
                       seen=f"text_trap() took the one at {place}")


def test_off(cell):
    """CPU 1 meets the INT3 with interrupts off: it goes on, and then answers.  In the place of the NOP
    comes a jump, in that of a jump the NOP, or a jump to elsewhere.  And an NMI may meet it."""
    in_an_nmi(cell)
    jump, other = Turns(cell).jump(), Turns(cell).jump(target="probe_second_target")
    for old, code in ((NOP, jump), (jump, NOP), (jump, other)):
        scene = Turns(cell)
        scene.forget()
        scene.m.write("probe_poke_site", old)
        scene.rest(*scene.others[1:])
        scene.code(code)
        alone(scene, 0)
        if scene.m.u8("probe_poke_site") != 0xCC:
            answers_first(scene)
        not_ours(scene, 1, *ELSEWHERE)
        scene.m.start(1, "probe_poked_round", 3)
        scene.run_until(1, "probe_returned", "a CPU with interrupts off goes on behind the INT3")
        scene.m.start(1, "probe_rest", flags=ON)
        scene.returned(0)
        scene.accepted(0)
        check_written(scene, code)
        nops, jumps = scene.check_seen(POKED, NAMES, 1)
        if nops + jumps != 3 or nops and NOP not in (old, code):
            raise Fail(WRONG, expected="three times the old or the new instruction",
                       seen="it is not three times" if nops + jumps != 3 else
                       f"{nops} times neither: both are jumps, and it went on behind them")
        cell.park()


def answers_first(scene):
    """CPU 0 has asked CPU 1 something before its INT3: CPU 1 answers, and answers what comes with the INT3."""
    scene.m.write_u32("probe_go", 0)
    scene.m.start(1, "probe_spin_wait", flags=ON)
    until_int3(scene, 0, "probe_poke_site")
    scene.m.write_u32("probe_go", 1)
    there = scene.m.read("probe_poke_site", 5)
    for _ in range(ROUNDS):
        if scene.give(1, "probe_returned"):
            break
        scene.give(0, turn=SMALL)
    else:
        raise scene.failed_on(scene.m.run(1, (), 1), "CPU 1 has answered, and goes on")
    if scene.m.read("probe_poke_site", 5) != there:
        raise Fail(WRONG, expected="INT3 and the old bytes, until every other CPU has answered",
                   seen=scene.m.read("probe_poke_site", 5).hex(" "))


def in_an_nmi(cell):
    """An NMI comes to the CPU that writes, and executes the instruction: at each place of the lab up to its
    first IPI, and of its last ones."""
    scene = Turns(cell)
    for cpu in scene.cpus:
        scene.m.call(cpu, "cpu_take_events", scene.block_of(cpu))
    scene.forget()
    scene.rest(*scene.others)
    scene.code(scene.jump())
    scene.m.write_u32("probe_nmi_poked", 1)
    scene.then_rest(0, "probe_poke")
    scene.run_until(0, "text_poke", "its function")
    nmi_at_each(scene, "ipi_send")
    last = [scene.m.snapshot()] * 3
    for _ in range(ROUNDS * 40):
        scene.settle(*scene.others)
        last = [*last[1:], scene.m.snapshot()]
        scene.give(0, turn=50)
        if scene.line("probe_then", 0)[1]:
            break
    scene.m.restore(last[0])
    nmi_at_each(scene, "probe_rest")
    cell.park()


def nmi_at_each(scene, until):
    """From here to there."""
    for place in scene.at_each(0, lambda: scene.labs_accesses(0, until)):
        scene.m.nmi(0)
        with scene.told("an NMI, which executes the instruction, came to CPU 0 at "
                        f"{scene.m.elf.where(place)}"):
            scene.rested(0)
            check_written(scene, scene.jump())
            if sum(scene.check_seen(POKED, NAMES, 0)) != 1:
                raise Fail(WRONG, expected="the NMI goes on behind the instruction", seen="it does not")


def in_the_breakpoint(cell, code):
    """CPU 1 has met the INT3, and nothing keeps CPU 0 from the last byte but CPU 1 itself."""
    scene = Turns(cell)
    scene.forget()
    if code == NOP:
        scene.m.write("probe_poke_site", scene.jump())
    scene.rest(*scene.others[1:])
    scene.code(code)
    scene.then_rest(1, "probe_poked_round", 50)
    scene.run_until(1, "probe_poked", "normal code")
    scene.then_rest(0, "probe_poke")
    for _ in range(400):                    # until all is there but the first byte
        if scene.m.read("probe_poke_site", 5) == b"\xcc" + code[1:]:
            break
        for cpu in scene.cpus:
            scene.give(cpu, turn=40)
    rest = [cpu for cpu in scene.cpus if cpu != 1]
    scene.settle(*rest)
    scene.run_until(1, "ipi_interrupt", "an IPI before the first byte comes")
    for _ in range(6):                      # it answers, and meets the INT3 again
        if scene.give(1, ["text_trap", "probe_rest"]):
            break
        scene.settle(*rest)
    for _ in range(3):
        scene.settle(*rest)
    if not scene.rested(0, 1)[0] & 0xFF:
        raise Fail(WRONG, expected="text_poke() is done", seen="it was refused")
    check_written(scene, code)
    if sum(scene.check_seen(POKED, NAMES, 1)) != 50:
        raise Fail(WRONG, expected="50 times the old or the new instruction", seen="not so often")
    cell.park()


def test_last(cell):
    """A CPU is in the breakpoint when the first byte comes, and asks later whose it was."""
    for code in (Turns(cell).jump(), NOP):
        in_the_breakpoint(cell, code)


def test_meanwhile(cell):
    """While it is written the others execute it: as the old or as the new instruction."""
    for turn in (30, 70, 150, 400):
        scene = Turns(cell)
        scene.forget()
        for cpu in scene.others:
            scene.m.start(cpu, "probe_poked_round", 1 << 30, flags=ON)
        for code in (scene.jump(), NOP):
            scene.code(code)
            alone(scene, 0)
            scene.returned(0, turn=lambda: turn, rounds=3000)
            scene.accepted(0)
            check_written(scene, code)
        if not sum(scene.check_seen(POKED, NAMES, *scene.others)):
            raise Fail(WRONG, expected="the others go on", seen="they do not")
        cell.park()


def other_code(scene):
    """The jump for probe_other_site."""
    return scene.jump("probe_other_site", "probe_other_target")


def two_write(scene):
    """CPUs 0 and 1 are to write an instruction each; CPU 2 executes the one, CPU 3 the other."""
    scene.forget()
    scene.m.start(2, "probe_poked_round", 1 << 30, flags=ON)
    scene.m.start(3, "probe_other_round", 1 << 30, flags=ON)
    scene.code(scene.jump())
    scene.m.write("probe_other_bytes", other_code(scene))
    scene.then_rest(0, "probe_poke")
    scene.then_rest(1, "probe_poke_other")


def check_other(scene):
    seen = scene.m.read("probe_other_site", 5)
    if seen != other_code(scene):
        raise Fail(WRONG, expected="the other instruction is written too", seen=seen.hex(" "))


def both_written(scene, turn, rounds):
    results = scene.rested(0, 1, turn=turn, rounds=rounds)
    if [result & 0xFF for result in results] != [1, 1]:
        raise Fail(WRONG, expected="both calls are done", seen=f"{results}")
    check_written(scene, scene.jump())
    check_other(scene)
    for cpu in (2, 3):
        scene.settle(cpu)
        if not sum(scene.check_seen(POKED, NAMES, cpu)):
            raise Fail(WRONG, expected=f"CPU {cpu} goes on", seen="it does not")


def some_of_the_way(scene):
    """Places of CPU 0 on its way to its first IPI."""
    places = list(dict.fromkeys(step.pc for step in scene.m.walk(0, "ipi_send", WALKED)[0]))
    return {*places[::EVERY], places[-1]}


def in_its_handler(cell):
    """CPU 0 writes an instruction; on its way to the first IPI an interrupt at DISPATCH_LEVEL
    comes, whose handler writes another one."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.code(scene.jump())
    scene.m.write("probe_other_bytes", other_code(scene))
    scene.m.write_ptr("probe_call_in_interrupt", scene.m.elf.address("probe_poke_other"))
    scene.then_rest(0, "probe_poke")
    scene.run_until(0, "text_poke", "its function")
    for place in scene.at_each(0, lambda: some_of_the_way(scene)):
        scene.m.interrupt(0, LOW)
        mine = scene.rested(0, turn=lambda: 300, rounds=600)[0]
        if not mine & scene.line("probe_then", 0)[2] & 0xFF:
            raise Fail(WRONG, expected="the call that was interrupted is done, and that of the "
                       "handler at DISPATCH_LEVEL", seen="it is not", at=scene.m.place(place))
        check_written(scene, scene.jump())
        check_other(scene)
    cell.park()


def same_site(cell, turn, same=False):
    """CPU 0 writes a jump, and CPU 1 the NOP again, or the same jump, over one instruction."""
    scene = Turns(cell)
    scene.forget()
    jump = scene.jump()
    scene.code(jump)
    scene.m.write("probe_other_bytes", jump if same else NOP)
    for cpu in (2, 3):
        scene.m.start(cpu, "probe_poked_round", 1 << 30, flags=ON)
    site, other = map(scene.m.elf.address, ("probe_poke_site", "probe_other_bytes"))
    writing = {0, 1}
    scene.m.start(0, "probe_poke", flags=ON)
    scene.m.start(1, "text_poke", site, other, flags=ON)
    if same:
        until_int3(scene, 0, site)
        if scene.give(1, "probe_returned"):
            raise Fail(WRONG, expected="CPU 1 writes what CPU 0 is writing already: it is there when its call is "
                       "over", seen=f"{scene.m.read(site, 5).hex(' ')}, and the call is over")
    for _ in scene.by_turns(writing, turn):
        seen = scene.m.read(site, 5)
        if seen[0] != 0xCC and seen not in (NOP, jump):
            raise Fail(WRONG, expected=f"INT3, or {NOP.hex(' ')}, or {jump.hex(' ')}: each call is "
                       "done on its own", seen=seen.hex(" "),
                       cause="two CPUs write one instruction, and their steps are mixed.")
        if same and len(writing) == 1 and seen[1:] != jump[1:]:
            raise Fail(WRONG, expected="both CPUs write the same: it is there when one of the calls is over",
                       seen=f"{seen.hex(' ')}, and CPU {1 - min(writing)}'s call is over")
    scene.returned(*writing)
    scene.check_seen(POKED, NAMES, 2, 3)
    cell.park()


def until_int3(scene, caller, site):
    """The CPU comes to its INT3; it may have asked the others something before."""
    for _ in range(ROUNDS):
        for _ in range(TURN // SMALL):
            scene.give(caller, turn=SMALL)
            if scene.m.u8(site) == 0xCC:
                return
        scene.settle(*(cpu for cpu in scene.cpus if cpu != caller))
    raise Fail(WRONG, expected="INT3 over the first byte", seen="there is none")


def test_two(cell):
    """Two CPUs write two instructions, one of them while the other's INT3 is there; two execute.
    Also one CPU, whose handler writes the second."""
    in_its_handler(cell)
    cell.use(4)
    for first, second, site in ((0, 1, "probe_poke_site"), (1, 0, "probe_other_site")):
        scene = Turns(cell)
        two_write(scene)
        until_int3(scene, first, site)
        for cpu in (second, 2, 3, second, 2, 3):
            scene.give(cpu, turn=400)
        both_written(scene, lambda: 400, 400)
        cell.park()
    for turn in (40, 150):
        same_site(cell, turn)
        same_site(cell, turn, same=True)
    for _ in range(4):
        scene = Turns(cell)
        two_write(scene)
        both_written(scene, lambda: cell.random.randrange(10, 500), 2000)
        cell.park()
