/*
 * descriptors.h: the GDT and the IDT.
 */
#ifndef CORRAL_DESCRIPTORS_H
#define CORRAL_DESCRIPTORS_H

#include "cpu.h"

/* Fills in this CPU's own GDT and loads it, and every segment register.  Each CPU, once. */
void gdt_init(struct cpu *cpu);

/* Fills in the IDT that all CPUs share: 256 interrupt gates.  CPU 0, once. */
void idt_init(void);

/* Loads it.  Each CPU, once. */
void idt_load(void);

#endif
