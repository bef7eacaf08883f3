/*
 * trap.h: names of the CPU's own vectors.
 */
#ifndef CORRAL_TRAP_H
#define CORRAL_TRAP_H

/* "page fault" and the like (SDM 3A 6.3.1).  Any level. */
const char *trap_name(unsigned vector);

#endif
