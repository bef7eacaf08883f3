/*
 * lapic.c: the local APIC.
 */
#include "lapic.h"

#include <stdbool.h>

#include "acpi.h"
#include "io.h"
#include "lapic_regs.h"
#include "layout.h"
#include "mm.h"
#include "panic.h"
#include "x86.h"

#define BASE_ENABLED    (1u << 11) /* in MSR_APIC_BASE */
#define BASE_X2APIC     (1u << 10)
#define SPURIOUS_ENABLE 0x100 /* turns the APIC on by software */
#define DELIVER_NMI     0x400 /* in a local interrupt's register and in the command */
#define DELIVER_INIT    0x500
#define DELIVER_STARTUP 0x600
#define COMMAND_ASSERT  0x4000
#define COMMAND_PENDING 0x1000
#define VERSION_LAST(v) (((v) >> 16) & 0xff) /* number of the last local interrupt */
#define POLLS_MAX       100000

static uintptr_t base;           /* the registers; 0 until lapic_init() */
static uint8_t   early_priority; /* the task priority until then */

uint32_t lapic_read(enum lapic_reg reg)
{
    return mmio_read32(base + reg);
}

void lapic_write(enum lapic_reg reg, uint32_t value)
{
    mmio_write32(base + reg, value);
}

static void turn_on(void)
{
    uint64_t msr = rdmsr(MSR_APIC_BASE);

    if (msr & BASE_X2APIC)
        panic("the firmware left the local APIC in x2APIC mode");
    wrmsr(MSR_APIC_BASE, msr | BASE_ENABLED);
    if (base == 0)
        base = (uintptr_t)mmio_map(acpi_cpus.lapic_phys, PAGE_SIZE);
    lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

void lapic_init(void)
{
    uint32_t last;

    turn_on();
    last = VERSION_LAST(lapic_read(LAPIC_VERSION));
    lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED);
    lapic_write(LAPIC_LVT_LINT0, LAPIC_MASKED);
    lapic_write(LAPIC_LVT_LINT1, DELIVER_NMI);
    lapic_write(LAPIC_LVT_ERROR, LAPIC_MASKED);
    if (last >= 4)
        lapic_write(LAPIC_LVT_COUNTERS, LAPIC_MASKED);
    if (last >= 5)
        lapic_write(LAPIC_LVT_THERMAL, LAPIC_MASKED);
    lapic_write(LAPIC_ERROR, 0);
    lapic_write(LAPIC_EOI, 0); /* if the firmware left an interrupt in service */
    lapic_set_priority(0);
}

uint8_t lapic_id(void)
{
    return base ? (uint8_t)(lapic_read(LAPIC_ID) >> 24) : cpuid_apic_id();
}

void lapic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}

/*
 * Sends one message. An interrupt or an NMI between the two writes may send one of its own; it
 * then puts the target back, so that ours still goes where it should.
 */
static void send(uint8_t apic_id, uint32_t command)
{
    uint32_t target = lapic_read(LAPIC_TARGET);

    for (unsigned i = 0; i < POLLS_MAX && (lapic_read(LAPIC_COMMAND) & COMMAND_PENDING); i++)
        cpu_pause();
    lapic_write(LAPIC_TARGET, (uint32_t)apic_id << 24);
    lapic_write(LAPIC_COMMAND, command);
    lapic_write(LAPIC_TARGET, target);
}

void lapic_send(uint8_t apic_id, uint8_t vector)
{
    send(apic_id, COMMAND_ASSERT | vector);
}

void lapic_send_nmi(uint8_t apic_id)
{
    send(apic_id, COMMAND_ASSERT | DELIVER_NMI);
}

void lapic_send_init(uint8_t apic_id)
{
    send(apic_id, COMMAND_ASSERT | DELIVER_INIT);
}

void lapic_send_startup(uint8_t apic_id, uintptr_t page)
{
    ASSERT(page % PAGE_SIZE == 0 && page < 0x100000);
    send(apic_id, COMMAND_ASSERT | DELIVER_STARTUP | (uint32_t)(page / PAGE_SIZE));
}

uint8_t lapic_priority(void)
{
    return base ? (uint8_t)(lapic_read(LAPIC_PRIORITY) >> 4 & 0xf) : early_priority;
}

void lapic_set_priority(uint8_t level)
{
    if (base == 0) {
        early_priority = level;
        return;
    }
    lapic_write(LAPIC_PRIORITY, (uint32_t)level << 4);
    /* Reading back waits for the write: no interrupt of this level or below comes after it. */
    lapic_read(LAPIC_PRIORITY);
}
