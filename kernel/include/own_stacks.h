/*
 * own_stacks.h: the vectors that have a stack of their own: double fault, machine check, and in
 * 64 bits debug.  In 32 bits the first two are tasks, because only a task switch changes the stack
 * of an interrupt that came from ring 0.
 */
#ifndef CORRAL_OWN_STACKS_H
#define CORRAL_OWN_STACKS_H

#include "cpu.h"

#ifndef __x86_64__
/* Fills in the TSSs of the double fault and machine check tasks.  Each CPU, once. */
void own_tss_init(struct cpu *cpu);
#endif

#endif
