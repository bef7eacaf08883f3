/*
 * lapic_timer.c: the timer of the local APIC (SDM 3A 11.5.4).
 */
#include <stdbool.h>
#include <stdint.h>

#include "lapic.h"
#include "lapic_regs.h"
#include "panic.h"
#include "pit.h"
#include "print.h"

#define DIVIDE_BY_16  0x3
#define PERIODIC      0x20000
#define MEASURE_US    10000
#define MEASURES      (1000000 / MEASURE_US) /* in a second */
#define TICKS_GUESSED (1000000000 / 16)      /* 1 GHz, as the emulators have it */

static uint32_t ticks_a_second;

void lapic_timer_init(void)
{
    bool     counted;
    uint32_t ticks;

    lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED);
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
    pit_start(MEASURE_US);
    lapic_write(LAPIC_TIMER_START, UINT32_MAX);
    counted = pit_finish();
    ticks = UINT32_MAX - lapic_read(LAPIC_TIMER_NOW);
    lapic_write(LAPIC_TIMER_START, 0);
    ticks_a_second = ticks < UINT32_MAX / MEASURES ? ticks * MEASURES : 0;
    if (!counted || ticks_a_second == 0) {
        kprintf("lapic: the timer could not be measured, 1 GHz assumed\n");
        ticks_a_second = TICKS_GUESSED;
    }
}

void lapic_timer_start(uint32_t hz, uint8_t vector)
{
    ASSERT(ticks_a_second != 0 && hz != 0);
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
    lapic_write(LAPIC_LVT_TIMER, PERIODIC | vector);
    lapic_write(LAPIC_TIMER_START, ticks_a_second / hz);
}

void lapic_timer_stop(void)
{
    lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED);
    lapic_write(LAPIC_TIMER_START, 0);
}
