/*
 * irql.h: interrupt levels. A CPU at a level takes only the interrupts above it.
 *
 * The level is the CPU's task priority: CR8 in 64 bits, a register of the local APIC in 32. The
 * level of a vector is its top four bits. FLAGS.IF is another matter and not touched here; an NMI
 * and a machine check come at any level.
 */
#ifndef CORRAL_IRQL_H
#define CORRAL_IRQL_H

#include <stdint.h>

typedef uint8_t irql_t;

#define PASSIVE_LEVEL  0 /* threads */
#define DISPATCH_LEVEL 2 /* the scheduler, deferred work; devices are 3 to 11 */
#define CLOCK_LEVEL    13
#define IPI_LEVEL      14
#define HIGH_LEVEL     15 /* nothing but an NMI */

/* This CPU's level. Level: any. CPU: any. NMI: yes. */
irql_t irql_get(void);

/*
 * Raises this CPU to a level and returns the one that it had, for irql_lower(). Panics if it is at
 * a higher one. Level: up to level. CPU: any. NMI: yes, if it lowers again before it returns.
 */
irql_t irql_raise(irql_t level);

/*
 * Puts back the level that irql_raise() returned; what waited above it comes now, if FLAGS.IF is
 * set. Panics if this CPU is at a lower one. Level: level and up. CPU: the one that raised it.
 * NMI: yes, to undo its own irql_raise().
 */
void irql_lower(irql_t level);

#endif
