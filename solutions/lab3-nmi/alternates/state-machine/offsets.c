/*
 * offsets.c: makes lab3_offsets.h for this lab's assembly.  Compiled, not linked.
 */
#include "lab3.h"

#define OFFSET(name, value) __asm__ volatile("# OFFSET " #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(CPU_NMI_STATE, offsetof(struct cpu, lab3.bytes) + offsetof(struct lab3_cpu, state));
    OFFSET(NOT_RUNNING, NMI_NOT_RUNNING);
    OFFSET(EXECUTING, NMI_EXECUTING);
    OFFSET(LATCHED, NMI_LATCHED);
}
