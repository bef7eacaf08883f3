/*
 * lab1.h: what this lab keeps in each thread, and on top of each CPU's kernel stack.
 *
 *      kstack_top
 *      - one word      the registers of the thread that is, or will be, in ring 3 on this CPU
 *      - (64 bits)     a word that is not used: RSP0 is a multiple of 16
 *      sp0             the hardware pushes from here down
 */
#ifndef CORRAL_LAB1_H
#define CORRAL_LAB1_H

#include "entry.h"

struct lab1_thread {
    struct regs regs;
#ifndef __x86_64__
    struct v86_segments v86; /* for exercise 1.9: above regs, where user_resume() looks for them */
#endif
};
_Static_assert(sizeof(struct lab1_thread) <= LAB1_AREA_SIZE, "the area is too small");

/* What lies at sp0. */
struct stack_top {
#ifdef __x86_64__
    uintptr_t pad;
#endif
    struct regs *regs;
};

static inline struct stack_top *stack_top(struct cpu *cpu)
{
    return (struct stack_top *)cpu->kstack_top - 1;
}

/* void user_resume(const struct regs *regs): loads them all and returns to ring 3. */
_Noreturn void user_resume(const struct regs *regs);

#endif
