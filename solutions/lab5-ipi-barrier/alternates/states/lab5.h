/*
 * lab5.h: one state for all CPUs.
 */
#ifndef CORRAL_LAB5_H
#define CORRAL_LAB5_H

#include "ipi.h"
#include "irql.h"
#include "x86.h"

struct lab5_cpu {
    uint32_t called; /* 1: a call waits for this CPU */
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
