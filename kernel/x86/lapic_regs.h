/*
 * lapic_regs.h: the registers of the local APIC (SDM 3A table 11-1), for its two drivers only.
 */
#ifndef CORRAL_LAPIC_REGS_H
#define CORRAL_LAPIC_REGS_H

#include <stdint.h>

/* clang-format off */
enum lapic_reg {
    LAPIC_ID            = 0x020,
    LAPIC_VERSION       = 0x030,
    LAPIC_PRIORITY      = 0x080,
    LAPIC_EOI           = 0x0b0,
    LAPIC_SPURIOUS      = 0x0f0,
    LAPIC_ERROR         = 0x280,
    LAPIC_COMMAND       = 0x300,
    LAPIC_TARGET        = 0x310,
    LAPIC_LVT_TIMER     = 0x320,
    LAPIC_LVT_THERMAL   = 0x330,
    LAPIC_LVT_COUNTERS  = 0x340,
    LAPIC_LVT_LINT0     = 0x350,
    LAPIC_LVT_LINT1     = 0x360,
    LAPIC_LVT_ERROR     = 0x370,
    LAPIC_TIMER_START   = 0x380,
    LAPIC_TIMER_NOW     = 0x390,
    LAPIC_TIMER_DIVIDE  = 0x3e0,
};
/* clang-format on */

#define LAPIC_MASKED 0x10000 /* in a local interrupt's register */

uint32_t lapic_read(enum lapic_reg reg);
void     lapic_write(enum lapic_reg reg, uint32_t value);

#endif
