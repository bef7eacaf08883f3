"""Bonus 2.7: ring 3 does not learn where the descriptor tables are."""

from grader.explore import gs
from grader.verdict import WRONG, Fail


def test_sgdt(cell):
    """SGDT in ring 3, on each CPU, into memory that it may write: a general protection fault."""
    for cpu in (1, 0):
        scene, _ = gs.prepared(cell, cpu)
        start, data = (scene.checker.address(f"checker_{name}") for name in ("tables", "data"))
        regs = scene.layout.random_program(scene.random, start, **{
            name: value for name, value in (("rbx", data), ("ebx", data), ("ds", 0x23))
            if name in scene.layout.names})
        scene.m.write_u32("probe_trap_skip", scene.trap_size("tables"))
        scene.enter(regs)
        place = scene.user_place("ring 3 was at")
        scene.run_to(("probe_trap", scene.checker.address("checker_tables_next")),
                     "a general protection fault", at=place)
        if scene.m.regs(cpu).cpl == 3:
            raise Fail(WRONG, expected=f"a general protection fault on CPU {cpu}",
                       seen="ring 3 has the address of the GDT", at=place,
                       cause="CR4.UMIP is a bit of each CPU.")
        vector = scene.saved(scene.argument(0))["vector"]
        if vector != 13:
            raise Fail(WRONG, expected="vector 0xd", seen=f"{vector:#x}", at=place)
        cell.park()
