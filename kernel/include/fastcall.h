/*
 * fastcall.h: system calls without a gate.
 */
#ifndef CORRAL_FASTCALL_H
#define CORRAL_FASTCALL_H

#include "cpu.h"

/* Sends SYSCALL (64 bits) or SYSENTER (32 bits) to syscall_entry.  Each CPU, once. */
void fastcall_init(struct cpu *cpu);

#endif
