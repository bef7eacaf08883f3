"""Exercise 2.2: fields of this CPU's block."""

import struct

from grader.explore import gs
from grader.explore.registers import IF
from grader.explore.scene import BUDGET, INTERRUPTS_ON, Scene
from grader.explore.sweep import Event, given, sweep, trace
from grader.verdict import HANG, WRONG, Fail

NAMES = ("word", "count", "half", "before", "byte", "after")
ADDED = ("word", "count", "half", "byte")
ANY_OTHER = 8           # stands for a word
READ, WRITE = "probe_percpu_read", "probe_percpu_write_one"
WAITING = 200           # instructions of a loop
SIZES = {"count": 4, "half": 2, "before": 1, "byte": 1, "after": 1}


class Fields:
    """struct probe_cpu in the blocks of all CPUs."""

    def __init__(self, scene):
        self.scene = scene
        self.code = "<QIHBBB" if scene.m.width == 64 else "<IIHBBB"
        self.sizes = {"word": scene.layout.word} | SIZES

    def fill(self) -> dict[int, dict[str, int]]:
        """Random bytes on every CPU; gives them by CPU and name."""
        m = self.scene.m
        for cpu in range(m.cpus):
            m.write(self.at(cpu), self.scene.random.randbytes(struct.calcsize(self.code)))
        return {cpu: self.of(cpu) for cpu in range(m.cpus)}

    def at(self, cpu: int) -> int:
        return self.scene.block_of(cpu) + self.scene.offset["cpu_probe"]

    def of(self, cpu: int) -> dict[str, int]:
        raw = self.scene.m.read(self.at(cpu), struct.calcsize(self.code))
        return dict(zip(NAMES, struct.unpack(self.code, raw)))

    def cut(self, name: str, value: int) -> int:
        return value & (1 << 8 * self.sizes[name]) - 1

    def check(self, wanted: dict[int, dict[str, int]], what: str, **details) -> None:
        """Fails at the first field that is not as wanted."""
        for cpu, fields in wanted.items():
            seen = self.of(cpu)
            for name, value in fields.items():
                if seen[name] != value:
                    raise Fail(WRONG, expected=f"CPU {cpu}'s field of {self.sizes[name]} bytes, "
                               f"`{name}`, is {value:#x} after {what}", seen=f"{seen[name]:#x}",
                               **details)


def test_widths(cell):
    """On each CPU: read, write, add.  Its own fields change, their neighbours and others' do not."""
    for cpu in range(cell.machine.cpus):
        scene = Scene(cell, cpu)
        m, fields = scene.m, Fields(scene)
        wanted = fields.fill()
        for name in ADDED:
            seen = m.call(cpu, "probe_percpu_read", SIZES.get(name, ANY_OTHER))
            if seen != wanted[cpu][name]:
                raise Fail(WRONG, expected=f"percpu_read() of {fields.sizes[name]} bytes on CPU "
                           f"{cpu} gives {wanted[cpu][name]:#x}", seen=f"{seen:#x}")
        number = scene.random.getrandbits(m.width)
        m.call(cpu, "probe_percpu_write", number)
        wanted[cpu] |= {name: fields.cut(name, number) for name in ADDED}
        fields.check(wanted, f"percpu_write() on CPU {cpu}")
        number = scene.random.getrandbits(m.width) | 0x8080_8080    # carries out of each width
        add_with_interrupts_off(scene, number)
        wanted[cpu] |= {name: fields.cut(name, number + wanted[cpu][name]) for name in ADDED}
        fields.check(wanted, f"percpu_add() on CPU {cpu}")
        gs.check_self(scene)


def add_with_interrupts_off(scene, number):
    """percpu_add() of each width; it must not let interrupts in where its caller did not."""
    m, cpu = scene.m, scene.cpu
    m.start(cpu, "probe_percpu_add", number)
    scene.run_to("probe_percpu_add", "the grader's own code")
    scene.run_to(m.ptr(m.regs(cpu).sp), "the return of percpu_add()")
    if m.regs(cpu).flags & IF:
        raise Fail(WRONG, expected="IF = 0 after percpu_add(), as before it", seen="IF = 1",
                   cause="its caller may hold interrupts off for a reason, and an NMI may call it.")
    scene.run_to("probe_returned", "the return to the grader's code")


def test_sweep(cell):
    """Before each instruction of the accessors, a device adds to the same fields."""
    adds(cell)
    for name in ADDED:
        for writes in (False, True):
            cell.park()
            swept(cell, name, writes)
    cell.park()
    waits(cell)


def adds(cell):
    """percpu_add(): both adds are in the fields."""
    scene = Scene(cell, 1)
    m, fields = scene.m, Fields(scene)
    mine, its = (scene.random.randrange(1, 1 << 31) for _ in range(2))
    wanted = fields.fill()
    wanted[1] |= {name: fields.cut(name, wanted[1][name] + mine + its) for name in ADDED}
    m.write_ptr("probe_add", its)
    vector = scene.vector()
    scene.fresh_token()
    m.start(1, "probe_percpu_add", mine, flags=INTERRUPTS_ON)
    scene.run_to("probe_percpu_add", "the grader's own code")
    start = m.snapshot()
    path = trace(scene, "through percpu_add()", [m.elf.address("probe_returned")], "its return")
    path.boundaries = [b for b in path.boundaries if not given(scene, b.pc)
                       or m.elf.symbol_at(b.pc).name == "probe_percpu_add"]

    def finish():
        scene.run_to("probe_returned", "percpu_add() and the interrupt done", budget=BUDGET)
        scene.check_answered(vector)
        fields.check(wanted, "an add here and an add by the interrupt",
                     cause="the interrupt came between a read and its write, and its add is lost.")

    sweep(scene, start, path, Event(lambda: m.interrupt(1, vector), "interrupt", vector), finish)


def swept(cell, name, writes):
    """Before each instruction of a read or a write of one field a device adds a number to each."""
    scene = Scene(cell, 1)
    m, fields = scene.m, Fields(scene)
    before = fields.fill()
    number = scene.random.getrandbits(m.width) if writes else before[1][name]
    old = fields.cut(name, number)              # what is read, or there, if the interrupt comes first
    its = scene.random.getrandbits(m.width) | 1 << m.width - 1 | 1
    m.write_ptr("probe_add", its)
    vector = scene.vector()
    scene.fresh_token()
    size = SIZES.get(name, ANY_OTHER)
    call, arguments, what = (WRITE, (size, number), "percpu_write()") if writes else \
        (READ, (size,), "percpu_read()")
    m.start(1, call, *arguments, flags=INTERRUPTS_ON)
    scene.run_to(call, "the grader's own code")
    start = m.snapshot()
    path = trace(scene, f"through {what} of {size} bytes", [m.elf.address("probe_returned")],
                 "its return")
    path.boundaries = [b for b in path.boundaries if not given(scene, b.pc)
                       or m.elf.symbol_at(b.pc).name == call]

    def finish():
        scene.run_to("probe_returned", f"{what} and the interrupt done", budget=BUDGET)
        scene.check_answered(vector)
        new, seen = fields.cut(name, old + its), fields.of(1)[name] if writes else m.result(1)
        if seen not in (old, new):
            raise Fail(WRONG, expected=f"{what} of {fields.sizes[name]} bytes: {old:#x}, or {new:#x} "
                       "with the interrupt's add", seen=f"{seen:#x}",
                       cause="the interrupt came between two parts of the field.")
        beside(fields, before, name, its, what)

    sweep(scene, start, path, Event(lambda: m.interrupt(1, vector), "interrupt", vector), finish)


def beside(fields, before, name, its, what):
    """Fails unless the other fields have the interrupt's add, and those of other CPUs nothing."""
    mine = {each: fields.cut(each, value + its) if each in ADDED else value
            for each, value in before[1].items() if each != name}
    fields.check(before | {1: mine}, f"{what} of `{name}`, with an add by the interrupt to each",
                 cause="more than the field was read and written, and what the interrupt changed there "
                       "is lost.")


def waits(cell):
    """A loop that reads a field until an interrupt has changed it."""
    scene = Scene(cell, 1)
    m = scene.m
    old = Fields(scene).fill()[1]["count"]
    m.write_ptr("probe_add", 1)
    m.start(1, "probe_percpu_wait", old, flags=INTERRUPTS_ON)
    scene.run_to("probe_percpu_wait", "the grader's own code")
    m.step(1, WAITING)
    m.interrupt(1, scene.vector())
    stop = m.run(1, "probe_returned", BUDGET)
    if stop.reason == "budget":
        raise Fail(HANG, expected="percpu_read() in a loop reads the field each time",
                   seen="the loop goes on, though an interrupt has changed the field",
                   went_wrong=stop.place,
                   cause="the compiler may take one asm for many, unless it is volatile.")
    if stop.reason != "address":
        raise scene.failed(stop, "the loop ends")
