"""The vectors with a stack of their own: a debug exception of ring 3, and a kernel stack that is full."""

from __future__ import annotations

import random

import pytest

from grader.explore.registers import IF, TF
from grader.explore.scene import SUBJECT, Scene
from grader.selftest.test_machine import booted  # noqa: F401  (fixture)

VECTOR_DEBUG = 1
INTERRUPTS_ON = 0x202


@pytest.fixture
def scene(booted):  # noqa: F811
    machine, parked = booted
    machine.restore(parked)
    cell = type("Cell", (), {"machine": machine, "random": random.Random(1), "replay": None})
    made = Scene(cell)
    made.tss()
    return made


def test_a_debug_exception_of_ring_3_is_its_threads(scene):
    """Single-stepped ring 3: ktrap() gets its registers on the kernel stack, nothing is overrun."""
    scene.present()
    regs = scene.layout.random_program(scene.random, scene.sled(3), flags=2 | IF | TF)
    address = scene.m.elf.address("probe_regs")
    scene.m.write(address, scene.layout.pack(regs))
    scene.m.start(SUBJECT, "probe_enter_user", address)
    scene.run_to("ktrap", "ktrap()")
    saved = scene.saved(scene.argument(0))
    assert saved["vector"] == VECTOR_DEBUG and saved["error"] == 0
    assert saved["ip"] in (regs["ip"], regs["ip"] + 1)      # Bochs stops one instruction earlier
    assert scene.layout.differences(regs, saved | {"ip": regs["ip"]}) == []
    low, top = scene.kernel_stack()
    assert low < scene.m.regs(SUBJECT).sp <= top
    scene.check_canaries()


def test_a_full_kernel_stack_reaches_the_double_fault(scene):
    """An interrupt with no room for its frame: a panic that says so, from another stack."""
    m = scene.m
    m.start(SUBJECT, "probe_sled")
    m.run(SUBJECT, "probe_sled", 1000)
    low, _ = scene.kernel_stack()
    names = ("rsp", "rflags") if m.width == 64 else ("esp", "eflags")
    m.set_regs(SUBJECT, **dict(zip(names, (low + 8, INTERRUPTS_ON))))
    m.interrupt(SUBJECT, scene.vector())
    stop = m.run(SUBJECT, (), 3_000_000)
    assert stop.reason == "panic" and "double fault" in stop.text
    assert "probe_sled" in stop.text
