/*
 * offsets.c: makes lab2_offsets.h for this lab's assembly.  Compiled, not linked.
 */
#include "lab2.h"

#define OFFSET(name, value) __asm__ volatile("# OFFSET " #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(CPU_USER_SP, offsetof(struct cpu, tss) + offsetof(struct tss, sp1));
}
