# The front door: every command a person types.  The work is done by grader/ and kernel/kernel.mk.
# Variables (LAB=, ARCH=, EMU=, TEST=, FROM=, BASE=, SEED=, CC=, ..) reach the grader by the
# environment, which is where make puts what is given on its command line.

PYTHON ?= python3
GRADER  = $(PYTHON) -m grader

.NOTPARALLEL:
.PHONY: help setup doctor grade run debug replay skeletons check-skeletons mutants docs test soak \
        pr class gradescope release bundle bench clean

help:
	@sed -n 's/^## //p' Makefile

## setup           installs what is missing (Debian, Ubuntu), or prints the list
setup:
	@./setup

## doctor          each tool, its version, and what is wrong
doctor:
	@$(GRADER) doctor

## lab1            builds lab 1, both widths: now the current lab  [ARCH= CC= FROM=]
lab%:
	@LAB='$*' $(GRADER) build

## grade           grades it in every cell      [LAB= ARCH= EMU= TEST= SEED= AS=text]
grade:
	@$(GRADER) grade

## run             boots it for a person                [ARCH= EMU= CPUS= SCREEN=1]
run:
	@$(GRADER) run

## debug           the same, stopped in kmain with gdb attached
debug:
	@$(GRADER) debug

## replay CASE=..  a case of the last report again, stopped at its instruction
replay:
	@$(GRADER) replay

## bundle CASE=..  packs a case for another machine: make replay BUNDLE=file there
bundle:
	@$(GRADER) bundle

## skeletons       writes labs/ from solutions/; FORCE=1 overwrites your changes
skeletons:
	@$(GRADER) skeletons

check-skeletons:
	@$(GRADER) check-skeletons

## mutants         every wrong answer against the test that must catch it
mutants:
	@$(GRADER) mutants

## pr              grades a pull request of others       [BASE_REV= HEAD_REV= LAB= HIDDEN=]
pr:
	@$(GRADER) pr

## class           grades a whole class     [SUBMISSIONS= OUT= ROSTER= JOBS= ON=slurm]
class:
	@$(GRADER) class

## gradescope      writes the autograder's zip for Gradescope              [LAB= HIDDEN=]
gradescope:
	@$(GRADER) gradescope

## release DEST=.. a tree for students, without solutions          [WITH_BASE=2 FORCE=1]
release:
	@$(GRADER) release

## docs            the site, in build/docs/index.html; warnings are errors
docs:
	@sphinx-build -W --keep-going -q -b html docs build/docs
	@echo "docs: build/docs/index.html"

## test            the grader's own tests, and the trials of every lab
test:
	@$(GRADER) test

## soak            twenty equal reports; takes long                        [RUNS=]
soak:
	@$(GRADER) soak

## bench           what the kernel's paths cost, beside the committed figures  [SAVE=1]
bench:
	@$(GRADER) bench

## clean           removes build/
clean:
	rm -rf build
