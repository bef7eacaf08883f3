/*
 * offsets.c: makes lab1_offsets.h for this lab's assembly.  Compiled, not linked.
 */
#include "lab1.h"

#define OFFSET(name, value) __asm__ volatile("# OFFSET " #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(LAB1_KSTACK, offsetof(struct lab1_thread, kstack));
}
