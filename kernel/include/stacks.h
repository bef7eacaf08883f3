/*
 * stacks.h: every stack of the kernel, each with a guard page below it that is not mapped.
 */
#ifndef CORRAL_STACKS_H
#define CORRAL_STACKS_H

#include "cpu.h"

#define STACK_GUARDS (MAX_CPUS * (1 + OWN_STACKS))

/* Gives each entry of cpus[] its stacks.  CPU 0, once, before anything else. */
void stacks_init(void);

/* The page below stack number `index` (below STACK_GUARDS).  Any level. */
void *stack_guard(unsigned index);

#endif
