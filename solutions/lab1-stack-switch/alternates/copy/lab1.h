/*
 * lab1.h: what this lab keeps in each thread: a copy of what the hardware and the entry code left on
 * the kernel stack.
 */
#ifndef CORRAL_LAB1_H
#define CORRAL_LAB1_H

#include "entry.h"

struct lab1_thread {
    struct regs regs;
#ifndef __x86_64__
    struct v86_segments v86; /* for exercise 1.9: above regs, as on the stack */
#endif
};
_Static_assert(sizeof(struct lab1_thread) <= LAB1_AREA_SIZE, "the area is too small");

/* void user_resume(const struct regs *regs): loads them all and returns to ring 3. */
_Noreturn void user_resume(const struct regs *regs);

/*
 * Copies what ring 3 had from the kernel stack to CPU's present thread; gives the copy.  Interrupts
 * off.
 */
struct regs *regs_to_thread(const struct regs *frame);

#endif
