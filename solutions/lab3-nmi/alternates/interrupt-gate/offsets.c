/*
 * offsets.c: makes lab3_offsets.h for this lab's assembly.  Compiled, not linked.
 */
#include "lab3.h"

#define OFFSET(name, value) __asm__ volatile("# OFFSET " #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(CPU_GDT, offsetof(struct cpu, gdt));
    OFFSET(CPUS_SIZE, MAX_CPUS * sizeof(struct cpu));
    OFFSET(CPU_LATCHED, offsetof(struct cpu, lab3.bytes) + offsetof(struct lab3_cpu, latched));
}
