"""Exercise 8.1."""

from grader.verdict import WRONG, Fail


def test_double(cell):
    """Eight random numbers, doubled on CPU 0."""
    for _ in range(8):
        x = cell.random.getrandbits(32)
        expected = 2 * x % 2**32
        seen = cell.machine.call(0, "toy_double", x) % 2**32
        if seen != expected:
            raise Fail(WRONG, expected=f"{expected:#x} for {x:#x}", seen=f"{seen:#x}")
