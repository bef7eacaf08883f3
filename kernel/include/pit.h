/*
 * pit.h: the one clock whose rate is the same on every PC.
 */
#ifndef CORRAL_PIT_H
#define CORRAL_PIT_H

#include <stdbool.h>
#include <stdint.h>

#define PIT_WAIT_MAX 50000

/*
 * Spins for this many microseconds, at most PIT_WAIT_MAX, on the timer's channel 2, which raises
 * no interrupt. False if the timer does not count; then the wait was of unknown, bounded length.
 * Level: any. CPU: one at a time; the channel is shared. NMI: no.
 */
bool pit_wait(uint32_t microseconds);

/* The two halves of pit_wait(), for measuring what happens in between. */
void pit_start(uint32_t microseconds);
bool pit_finish(void);

#endif
