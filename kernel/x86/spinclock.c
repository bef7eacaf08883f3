/*
 * spinclock.c: a clock that needs no interrupts: the time stamp counter (SDM 3B 19.17).
 */
#include "pit.h"
#include "probe.h"
#include "probe_locks.h"
#include "spinclock.h"
#include "spinlock.h"
#include "sysnum.h"
#include "x86.h"

#define MEASURE_US (1000000 / TICKS_PER_SECOND) /* one tick */

static uint32_t counts_a_tick; /* 0: not measured yet, and the clock stands */

void spin_clock_init(void)
{
    pit_start(MEASURE_US);
    uint64_t start = rdtsc();
    if (pit_finish())
        counts_a_tick = (uint32_t)(rdtsc() - start);
}

/* The low 32 bits of the quotient, by two divisions of 64 bits by 32: i386 has no other. */
static uint32_t divide(uint64_t value, uint32_t by)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32) % by;
    __asm__("divl %2" : "+a"(low), "+d"(high) : "r"(by) : "cc");
    return low;
}

uint32_t spin_clock(void)
{
    if (probe_boot)
        return __atomic_load_n(&probe_clock, __ATOMIC_RELAXED);
    return counts_a_tick ? divide(rdtsc(), counts_a_tick) : 0;
}
