"""Exercise 6.8: what a ring is good for.  A measurement, which gives no points."""

from grader.explore.bench import BATCHES, Bench, check_shape, crossings
from grader.explore.scene import Scene


def test_measurement(cell):
    """Calls, one call for many, pended requests and the ring, in instructions for each item."""
    bench = Bench(Scene(cell))
    curves = bench.curves()
    cell.measured(f"instructions of ring 3 and the kernel for an item of {bench.length} bytes, "
                  "by items in a batch", BATCHES, {curve.name: curve.costs for curve in curves.values()},
                  crossings(curves))
    check_shape(curves)
