"""Exercise 3.7: a log that an NMI may write to."""

from collections import Counter

from grader.explore.nmi import NmiScene
from grader.explore.scene import BUDGET
from grader.explore.sweep import labs_own, sweep, trace
from grader.verdict import WRONG, Fail

LINE, LINES = 48, 32        # LOG_LINE_SIZE, KLOG_LINES
LOG = 4 + LINE * LINES


def word(cell):
    """A line that nobody can guess."""
    return "".join(cell.random.choice("abcdefghijklmnop") for _ in range(20))


def read_log(scene):
    """The lines of the subject's log, the oldest first."""
    m = scene.m
    data = m.read(m.elf.address("klogs") + scene.cpu * LOG, LOG)
    count = int.from_bytes(data[:4], "little")
    lines = [data[4 + LINE * (n % LINES):][:LINE] for n in range(max(0, count - LINES), count)]
    return [line.split(b"\0")[0].decode("latin-1") for line in lines]


def tick(scene):
    """What is late has one clock tick to be done."""
    scene.m.interrupt(scene.cpu, scene.vector())
    scene.m.call(scene.cpu, "probe_sled", flags=1)


def check_lines(scene, wanted):
    """Fails unless the log holds these lines, each once, in any order, and no other."""
    if sorted(read_log(scene)) != sorted(wanted):
        tick(scene)
    seen = read_log(scene)
    if sorted(seen) != sorted(wanted):
        missing = (Counter(wanted) - Counter(seen)).total()
        what = f"{missing} missing" if missing else "a line too many, or not whole"
        raise Fail(WRONG, expected=f"{len(wanted)} lines in the log, each once and whole",
                   seen=f"{len(seen)} lines, {what}: {', '.join(map(repr, seen)) or 'none'}")


def test_lines(cell):
    """From the kernel on each CPU, from an NMI in ring 3, and one line that is too long."""
    for cpu in range(cell.machine.cpus):
        scene = NmiScene(cell, cpu)
        texts = [word(cell), "x" * 60, word(cell)]
        for text in texts:
            scene.m.write("probe_text", text.encode() + b"\0")
            scene.m.call(cpu, "nmi_log", scene.m.elf.address("probe_text"))
        check_lines(scene, [text[:LINE - 1] for text in texts])
        cell.park()
    NmiScene(cell).check_keeps_at_levels("nmi_log", cell.machine.elf.address("probe_text"))
    cell.park()
    two_cpus(cell)
    from_nmi(cell)


def two_cpus(cell):
    """CPU 0 is in klog_put(), if it is called at once, and CPU 1 writes a line: each to its own log."""
    scenes = NmiScene(cell), NmiScene(cell, 1)
    m, texts = cell.machine, (word(cell), word(cell))
    for scene, text, until in zip(scenes, texts, (["klog_put", "probe_returned"], ["probe_returned"])):
        m.write("probe_text", text.encode() + b"\0")
        m.start(scene.cpu, "nmi_log", m.elf.address("probe_text"))
        scene.run_to(until, "nmi_log() writes its line, and never waits")
    check_lines(scenes[1], [texts[1]])
    if m.pc(0) != m.elf.address("probe_returned"):
        m.write("probe_text", texts[0].encode() + b"\0")  # klog_put() has not read it yet
        scenes[0].run_to("probe_returned", "nmi_log() returns")
    check_lines(scenes[0], [texts[0]])
    cell.park()


def from_nmi(cell):
    """A line from an NMI in ring 3."""
    scene = NmiScene(cell)
    scene.ready()
    scene.present()
    scene.enter(scene.layout.random_program(cell.random, scene.sled(2), **scene.honest))
    text = word(cell)
    scene.order(log=text)
    scene.forget()
    scene.m.nmi(scene.cpu)
    scene.run_to(scene.sled(6), "ring 3 again, after the NMI")
    scene.check_nmis()
    if read_log(scene) != [text]:
        scene.m.interrupt(scene.cpu, scene.vector())
        scene.run_to(scene.sled(9), "ring 3 again, after a tick")
    if read_log(scene) != [text]:
        raise Fail(WRONG, expected=f"the NMI's line, {text!r}, in the log", seen=str(read_log(scene)))


def test_sweep(cell):
    """The kernel writes a line; before each instruction of that an NMI writes another.  Then two
    devices write as well: four lines are under way."""
    for between in (False, True):
        swept(cell, between)


def swept(cell, between):
    """`between`: the kernel was interrupted while it wrote, and it is the handlers of two devices,
    each of which writes a line that is too long, that an NMI interrupts."""
    scene = NmiScene(cell)
    scene.ready()
    m = scene.m
    mine, its = word(cell), word(cell)
    late = word(cell) + "x" * 60 if between else ""
    wanted = [mine, its, *([late[:LINE - 1]] * 2 if between else [])]
    m.write("probe_text", mine.encode() + b"\0")
    scene.order(log=its)
    returned = [m.elf.address("probe_returned")]

    def again():
        scene.forget()
        m.write_u32(m.elf.address("klogs") + scene.cpu * LOG, 0)
        m.write("probe_line", b"\0")
        m.start(scene.cpu, "nmi_log", m.elf.address("probe_text"), flags=between)
        if between:
            m.run(scene.cpu, ["klog_put", *returned], BUDGET, exact=False)
            m.write("probe_line", late.encode() + b"\0")
            for level in (0x50, 0x60):      # the higher one first: it comes at once
                m.interrupt(scene.cpu, scene.vector(level, level + 0x10))

    def finish():
        scene.see()
        scene.run_to(returned, "nmi_log() comes back, and never waits")
        scene.check_nmis()
        m.write("probe_line", b"\0")
        check_lines(scene, wanted)

    again()
    start = m.snapshot()
    name = "nmi_log() in interrupts of nmi_log()" if between else "nmi_log()"
    path = trace(scene, name, returned, "its return", nmis=True)
    if between:
        path = labs_own(scene, path)
    first = next((b.index for b in path.boundaries if b.pc == m.elf.address("nmi_log")), None)
    if first is None:
        raise Fail(WRONG, expected="interrupts come where nmi_log() was called with IF = 1",
                   seen="none has come when it returns",
                   cause="IF is the caller's: it stays as it was.")
    path.boundaries = [b for b in path.boundaries if b.index >= first]
    sweep(scene, start, path, scene.event, finish, again)
    cell.park()
