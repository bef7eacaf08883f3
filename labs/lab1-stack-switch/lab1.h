/*
 * lab1.h: what this lab keeps in each thread.
 *
 *      bytes of the area        64 bits   32 bits
 *      kstack                   176       92        the kernel stack of the thread's CPU
 *      v86                      -         76        virtual-8086 mode only
 *      regs.ss                  168       72        <- the hardware pushes from here down
 *      ...
 *      regs (the lowest)        0         0         <- the stack pointer after the last push
 */
#ifndef CORRAL_LAB1_H
#define CORRAL_LAB1_H

#include "entry.h"

struct lab1_thread {
    struct regs regs;
#ifndef __x86_64__
    struct v86_segments v86; /* for exercise 1.9: where the hardware puts them */
#endif
    uintptr_t   kstack; /* beside the save area: found without a register and without GS */
};
_Static_assert(sizeof(struct lab1_thread) <= LAB1_AREA_SIZE, "the area is too small");
#ifdef __x86_64__
/* The CPU aligns RSP0 down to 16 before it pushes (SDM 3A 6.14.2). */
_Static_assert(sizeof(struct regs) % 16 == 0, "RSP0 would be moved");
#endif

/* void user_resume(const struct regs *regs): loads them all and returns to ring 3. */
_Noreturn void user_resume(const struct regs *regs);

#endif
