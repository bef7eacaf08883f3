/*
 * lab5.h: a barrier whose sense is reversed each time.
 */
#ifndef CORRAL_LAB5_H
#define CORRAL_LAB5_H

#include "ipi.h"
#include "irql.h"
#include "x86.h"

struct lab5_cpu {
    bool wanted; /* at the next barrier */
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
