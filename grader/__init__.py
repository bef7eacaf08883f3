"""The grader of Corral: builds a lab, runs its tests in every cell, and reports.

A *cell* is a width and an emulator.  The parent process builds, prints and scores; one worker
process per cell runs the tests.  See docs/ for how a verdict is reached.
"""

__version__ = "1"
