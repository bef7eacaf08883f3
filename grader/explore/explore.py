"""What a test calls: explores a region, and fails with the shortest schedule that goes wrong."""

from __future__ import annotations

import random

from grader.explore import story
from grader.explore.region import Region
from grader.explore.schedules import Explorer, learn

MOST = 900          # bounded schedules of one region


def explore(region: Region, preemptions: int = 2, most: int = MOST, pct: int = 8,
            walks: int = 8, like: Region | None = None) -> None:
    """Every schedule with at most so many preemptions (`most` of them at the most, the shortest
    first), then `pct` of PCT and `walks` random ones.  In a replay, goes to the case's deciding step.
    `like` is a region that was explored before, of the same functions in the same memory: what was
    learnt there is not learnt again.

    The same files and seed give the same schedules, in both emulators.
    """
    cell = region.scene.cell
    if like:
        region.learn_from(like)
    else:
        # Not from the seed: what is at most `preemptions` away is the same in every run of these files.
        region.length = learn(region, random.Random(region.name))
    length = region.length
    if cell.replay is not None:
        story.replay(region, cell.replay)
        return
    explorer = Explorer(region)
    result = explorer.run(preemptions, max(most, cell.schedules), pct, walks, length)
    if cell.schedules and not result.failed:        # a night's work: what is left are random ones
        explorer.walk_on(cell.schedules - result.tried, length)
    cell.count("schedules", result.tried)
    if result.same:
        cell.count("schedules like one of these", result.same)
    cell.rate(f"schedules with {len(region.cpus)} CPUs", result.tried, result.seconds)
    if result.failed:
        shortest = result.failed[0] if cell.quick else explorer.shorten(result.failed[0])
        raise story.report(region, result, shortest)
