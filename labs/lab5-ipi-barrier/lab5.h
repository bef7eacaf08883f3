/*
 * lab5.h: what this lab keeps in each CPU, and what its files share.
 */
#ifndef CORRAL_LAB5_H
#define CORRAL_LAB5_H

#include "ipi.h"
#include "irql.h"
#include "x86.h"

/* What one CPU must know of a call that another began.  Its place: lab5_cpu_area(cpu). */
struct lab5_cpu {
    uint32_t asked;
};
_Static_assert(sizeof(struct lab5_cpu) <= LAB5_AREA_SIZE, "the area is too small");


/* In turn.c: exercises 5.3 and 5.6. */
bool   may_call(void);
irql_t take_turn(void);
void   give_turn(irql_t before);

/*
 * Waits until everything before it is done, and fetches what comes after it anew: CPUID does so on
 * every CPU that there is (SDM 3A 9.3).  Any level.
 */
static inline void serialise(void)
{
    (void)cpuid(0, 0);
}

#endif
