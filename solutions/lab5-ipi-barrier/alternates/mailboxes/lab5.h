/*
 * lab5.h: a mailbox for each CPU.
 */
#ifndef CORRAL_LAB5_H
#define CORRAL_LAB5_H

#include "ipi.h"
#include "irql.h"
#include "x86.h"

/* A call; on the stack of the CPU that makes it, until all have left. */
struct request {
    ipi_function *one, *all;
    void         *arg;
    uint32_t      missing; /* CPUs that have not come; the one that makes it 0 runs one() */
    uint32_t      go;      /* 1: one() is over */
};

struct lab5_cpu {
    struct request *mail;  /* for this CPU; 0: nothing.  It takes it out itself */
    uint32_t        asked; /* 1: the call under way waits for this CPU.  The caller's own note */
    uint32_t        left;  /* 1: this CPU is done with what it took out */
};
_Static_assert(sizeof(struct lab5_cpu) <= LAB5_AREA_SIZE, "the area is too small");

void   corral_run(ipi_function *one, ipi_function *all, void *arg);
bool   may_call(void);
irql_t take_turn(void);
void   give_turn(irql_t before);

/* SDM 3A 9.3. */
static inline void serialise(void)
{
    (void)cpuid(0, 0);
}

#endif
