/*
 * spinclock.h: setting up the clock of spinlock.h.
 */
#ifndef CORRAL_SPINCLOCK_H
#define CORRAL_SPINCLOCK_H

/* Measures the time stamp counter, for one tick.  Interrupts off, CPU 0, once; not in a graded boot. */
void spin_clock_init(void);

#endif
