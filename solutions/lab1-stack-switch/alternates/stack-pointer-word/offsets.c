/*
 * offsets.c: makes lab1_offsets.h for this lab's assembly.  Compiled, not linked.
 */
#include "lab1.h"

#define OFFSET(name, value) __asm__ volatile("# OFFSET " #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(TOP_REGS, offsetof(struct stack_top, regs));
    OFFSET(FRAME_SIZE, sizeof(struct regs) - offsetof(struct regs, vector));
#ifndef __x86_64__
    OFFSET(V86_SIZE, sizeof(struct v86_segments));
#endif
}
