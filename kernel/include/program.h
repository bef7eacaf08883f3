/*
 * program.h: ring-3 programs by name.
 */
#ifndef CORRAL_PROGRAM_H
#define CORRAL_PROGRAM_H

#include "thread.h"

/* Remembers where GRUB put the modules.  CPU 0, once. */
void program_init(const void *mbi);

/* The name of module `index`, or NULL.  Any level. */
const char *program_name(unsigned index);

/* Whether there is a program of this name.  Any level. */
bool program_exists(const char *name);

/*
 * Loads a program into an address space of its own; its first thread belongs to `cpu` and is not
 * ready yet.  NULL: there is no program of that name, or no room.  CPU 0, from stage 4 on any CPU; interrupts off.
 */
struct thread *program_start(const char *name, struct cpu *cpu);

#endif
