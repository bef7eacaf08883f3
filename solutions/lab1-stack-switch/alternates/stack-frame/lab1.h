/*
 * lab1.h: what this lab keeps in each thread and in each CPU.
 *
 * The registers of the thread that ring 3 ran last are at the top of the kernel stack; those of all
 * others are in their areas.
 */
#ifndef CORRAL_LAB1_H
#define CORRAL_LAB1_H

#include "entry.h"

struct lab1_thread {
    struct regs regs; /* while it is not the one whose registers are on a stack */
#ifndef __x86_64__
    struct v86_segments v86; /* for exercise 1.9: above regs, as on the stack */
#endif
};
_Static_assert(sizeof(struct lab1_thread) <= LAB1_AREA_SIZE, "the area is too small");

struct lab1_cpu {
    struct thread *owner; /* whose registers are on this CPU's stack; NULL: nobody's */
    struct regs   *regs;  /* where */
};
_Static_assert(sizeof(struct lab1_cpu) <= LAB1_AREA_SIZE, "the area is too small");

/* void user_resume(const struct regs *regs): loads them all and returns to ring 3. */
_Noreturn void user_resume(const struct regs *regs);

/* Notes that the present thread's registers are at `regs`, on the kernel stack.  Interrupts off. */
void regs_on_stack(struct regs *regs);

/* Copies the registers on this CPU's stack, if there are any, to their thread.  Interrupts off. */
void put_away(struct cpu *cpu);

#endif
