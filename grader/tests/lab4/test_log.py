"""Exercise 4.8: a log that all CPUs share."""

from grader.explore.explore import explore
from grader.explore.lockcalls import GRACE, Locks
from grader.explore.nmi import NmiScene
from grader.explore.region import Memory, Program, Region
from grader.explore.scene import HIGH, PASSIVE, Scene, flags_for
from grader.machine.types import CallFailed, Unmapped
from grader.verdict import WRONG, Fail

PAGE = 4096
SIZE, LINES = 56, 32        # LOG_TEXT_SIZE, LOG_LINES
EVERY = 11              # instructions of log_line(), of which one is tried


def word(cell):
    return "".join(cell.random.choice("abcdefghijklmnop") for _ in range(20))


def read_log(m):
    data = m.read("shared_log", 4 + SIZE * LINES)
    count = int.from_bytes(data[:4], "little")
    return count, [data[4 + SIZE * (n % LINES):][:SIZE].split(b"\0")[0].decode("latin-1")
                   for n in range(max(0, count - LINES), count)]


def check(m, wanted):
    count, lines = read_log(m)
    if count != len(wanted) or lines != wanted[-LINES:]:
        raise Fail(WRONG, expected=f"{len(wanted)} lines, in the order in which they came",
                   seen=f"{count}: {', '.join(map(repr, lines))}")


def test_lines(cell):
    """From each CPU and level, more than the log holds; one too long; and one from an NMI."""
    locks = Locks(cell)
    m = locks.m
    m.call(0, "log_init")
    texts = [word(cell) for _ in range(LINES + 3)] + ["x" * 70]
    for n, text in enumerate(texts):
        m.write("probe_text", text.encode() + b"\0")
        m.call(n % m.cpus, "log_try" if n % 5 == 4 else "log_line", m.elf.address("probe_text"),
               flags=(PASSIVE, HIGH)[n // 2 % 2] << 8, budget=GRACE)
    check(m, [text[:SIZE - 1] for text in texts])
    scene = Scene(cell)
    for function in ("log_line", "log_try"):
        for level, interrupts in ((PASSIVE, False), (9, True), (HIGH, False)):
            scene.check_keeps(1, function, m.elf.address("probe_text"), level=level, interrupts=interrupts)
    cell.park()
    at_the_end(cell)
    from_another_cpu(cell)
    from_nmi(cell)


def at_the_end(cell):
    """A short text, behind whose end nothing is mapped: no more is read."""
    scene = Scene(cell)
    m, text = scene.m, word(cell)
    end = last_page(m) + PAGE - len(text) - 1
    m.call(0, "log_init")
    m.write(end, text.encode() + b"\0")
    for function in ("log_line", "log_try"):
        try:
            m.call(0, function, end, budget=GRACE)
        except CallFailed as failed:
            raise scene.failed(failed.stop, f"{function}() returns; behind the text, which has {len(text)} "
                               "bytes and a 0, no memory is mapped") from None
    check(m, [text, text])
    cell.park()


def last_page(m):
    """The last page of the CPUs' stacks behind which none is mapped."""
    first = m.elf.address("stacks")
    pages = range(first, first + m.elf.size("stacks"), PAGE)
    mapped = [is_mapped(m, page) for page in pages]
    return [page for page, this, after in zip(pages, mapped, mapped[1:]) if this and not after][-1]


def is_mapped(m, address):
    try:
        m.read(address, 1)
    except Unmapped:
        return False
    return True


def from_another_cpu(cell):
    """CPU 0 is in the middle of log_line(): log_try() of CPU 1 leaves its level and IF as they were,
    whatever it says."""
    scene = Scene(cell)
    m, text = scene.m, scene.m.elf.address("probe_text")
    m.call(0, "log_init")
    m.write("probe_text", word(cell).encode() + b"\0")
    m.start(0, "log_line", text)
    scene.run_to("log_line", "log_line()")
    start, count = m.snapshot(), 0
    while not count or m.run(0, "probe_returned", count).reason != "address":
        scene.check_keeps(1, "log_try", text, level=PASSIVE, interrupts=False)
        m.restore(start)
        count += EVERY
    cell.park()


def from_nmi(cell):
    """Before each instruction of log_line() an NMI tries to write: its line is there if it says so.  The log
    is full of longer lines before."""
    scene = NmiScene(cell)
    scene.ready()
    m = scene.m
    m.call(0, "log_init")
    mine, its = word(cell), word(cell)
    m.write("probe_text", b"x" * (SIZE - 1) + b"\0")
    for _ in range(LINES):
        m.call(0, "log_line", m.elf.address("probe_text"), budget=GRACE)
    m.write("probe_text", mine.encode() + b"\0")
    scene.order(shared=its)
    m.start(0, "log_line", m.elf.address("probe_text"))
    scene.run_to("log_line", "log_line()")
    start, count = m.snapshot(), 0
    while True:
        m.restore(start)
        scene.forget()
        if count and m.run(0, "probe_returned", count).reason == "address":
            break
        if not set(newer(m)) <= {mine}:
            raise Fail(WRONG, expected=f"a log of whole lines for whoever looks: {LINES} old ones, and none "
                       f"or {mine!r}", seen=f"{newer(m)} behind the old ones", went_wrong=m.place(m.pc(0)),
                       cause="the count says that there is a line before all of it is there.")
        m.nmi(0)
        scene.run_to("probe_returned", "log_line() comes back, and the NMI does")
        lines = scene.check_nmis().lines
        wanted = sorted([mine] + [its] * lines)
        if sorted(newer(m)) != wanted:
            raise Fail(WRONG, expected=f"{len(wanted)} more lines, each whole and once", seen=str(newer(m)))
        count += 1


def newer(m):
    """The lines that came after the first LINES ones."""
    count, lines = read_log(m)
    return lines[max(0, len(lines) - (count - LINES)):]


def test_two(cell):
    """Two CPUs write a line each: both are there, whole, in every schedule."""
    scene = Scene(cell)
    m = scene.m
    m.call(0, "log_init")
    text = m.elf.address("probe_text")
    lines = [word(cell), word(cell)]
    m.write(text, lines[0].encode().ljust(32, b"\0") + lines[1].encode() + b"\0")

    levels = (PASSIVE, 9)

    def both(run):
        count, seen = read_log(m)
        if count != 2 or sorted(seen) != sorted(lines):
            raise Fail(WRONG, expected="two lines, each whole and once",
                       seen=f"{count}: {', '.join(map(repr, seen))}")
        for cpu, level in enumerate(levels):
            if m.regs(cpu).cr8 != level:
                raise Fail(WRONG, expected=f"CPU {cpu} at level {level} again, as before",
                           seen=f"level {m.regs(cpu).cr8}",
                           cause="each acquisition needs a handle of its own.")

    explore(Region(scene, "two CPUs, one log",
                   [Program(cpu, "log_line", (text + 32 * cpu,), flags_for(level, True))
                    for cpu, level in enumerate(levels)],
                   [Memory("log", m.elf.address("shared_log"), m.elf.size("shared_log"))],
                   check=both, start="the log is empty, two CPUs are about to write a line"),
            preemptions=1, most=200, pct=4, walks=4)
