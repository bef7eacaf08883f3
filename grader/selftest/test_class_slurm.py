"""The same through Slurm: a real cluster of one node on the loopback."""

from __future__ import annotations

import json
import time

import pytest

from grader.paths import ROOT
from grader.selftest import handedin, slurmcluster
from grader.selftest.test_class import (
    command, kill_in_the_middle, marks, outcomes, said_by)
from grader.selftest.test_pr_sandbox import needs_bwrap

MISSING = slurmcluster.missing()
pytestmark = [
    needs_bwrap,
    pytest.mark.skipif(bool(MISSING), reason=f"Slurm is not installed ({', '.join(MISSING)}): "
                       "apt-get install slurmctld slurmd slurm-client munge"),
    pytest.mark.skipif(not (ROOT / "solutions" / handedin.SLUG).is_dir(),
                       reason="needs the reference of lab 1")]


@pytest.fixture(scope="module")
def cluster():
    cluster = slurmcluster.Cluster()
    try:
        yield cluster
    finally:
        cluster.close()


def until(condition, process, seconds=300):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert process.poll() is None and time.monotonic() < deadline, process.stdout.read()
        time.sleep(0.05)
    return found


def waiting(cluster, number, others=()):
    """The tasks that wait, if there are so many that are not among the others."""
    tasks = cluster.ask("squeue", "--noheader", "--array", "--states=PENDING", "--format=%i").split()
    fresh = [task for task in tasks if task not in others]
    return fresh if len(fresh) == number else []


def test_killed_and_resumed_the_table_is_right(cluster, tmp_path):
    """One task is cancelled under way: it is given out once more.  Then the command is killed: its
    tasks go on, the next start waits for them, and nothing is graded twice."""
    expected = handedin.write(tmp_path / "in", 3)
    words = (tmp_path / "in", "--out", tmp_path / "out", "--on", "slurm", "--jobs", "2",
             *handedin.WORDS)
    process = command(*words, **cluster.environment)
    task = until(lambda: cluster.ask("squeue", "--noheader", "--array", "--states=RUNNING",
                                     "--format=%i").split(), process)[0]
    ids = json.loads((tmp_path / "out/slurm/tasks.json").read_text())["shares"]
    (cancelled,) = ids[int(task.partition("_")[2])]
    cluster.ask("scancel", task)
    before = kill_in_the_middle(process, tmp_path / "out", 1)

    process = command(*words, **cluster.environment)
    code, said = said_by(process)
    assert code == 0, said
    assert handedin.wrong_rows(expected, marks(tmp_path / "out")) == []
    assert before.items() <= outcomes(tmp_path / "out").items(), "graded twice"
    assert cancelled in outcomes(tmp_path / "out")
    assert cluster.ask("squeue", "--noheader") == ""


def test_a_submission_whose_task_dies_twice(cluster, tmp_path):
    """It is a grader error in the table, the others have their scores, and FORCE=1 tries it again."""
    handedin.folder(tmp_path / "in/ann", handedin.reference().files)
    handedin.zipped(tmp_path / "in/bob", {"tss.c": b"nothing"})
    words = (tmp_path / "in", "--out", tmp_path / "out", "--on", "slurm", *handedin.WORDS)
    with cluster.closed():          # nothing runs, so no task can be through before it is cancelled
        process = command(*words, **cluster.environment)
        first = until(lambda: waiting(cluster, 2), process)
        cluster.ask("scancel", *first)                  # ann's and bob's
        second = until(lambda: waiting(cluster, 2, first), process)
        ids = json.loads((tmp_path / "out/slurm/tasks.json").read_text())["shares"]
        cluster.ask("scancel", next(t for t in second if ids[int(t.partition("_")[2])] == ["ann"]))
    code, said = said_by(process)
    assert code == 2 and "no verdict for ann" in said, said
    rows = marks(tmp_path / "out")
    assert (rows["ann"]["state"], rows["ann"]["score"]) == ("grader error", "")
    assert rows["ann"]["reason"] == "grader error: its Slurm task ended without a verdict"
    assert rows["bob"]["score"] == "0" and "is missing" in rows["bob"]["reason"]
    code, said = said_by(command(*words, "FORCE=1", **cluster.environment))
    assert code == 0 and marks(tmp_path / "out")["ann"]["score"] == "10"


def test_no_cluster_answers(tmp_path):
    """One sentence, and nothing is begun."""
    (tmp_path / "slurm.conf").write_text("ClusterName=none\nSlurmctldHost=localhost(127.0.0.1)\n"
                                         f"SlurmctldPort={slurmcluster.free_ports(1)[0]}\n"
                                         "MessageTimeout=2\n")
    (tmp_path / "in/ann").mkdir(parents=True)
    code, said = said_by(command(tmp_path / "in", "--out", tmp_path / "out", "--on", "slurm", "LAB=1",
                                 SLURM_CONF=str(tmp_path / "slurm.conf")))
    assert code == 2 and said.startswith("corral: squeue ") and len(said.splitlines()) == 1, said
    assert not (tmp_path / "out").exists()
