/*
 * ioapic.c: the I/O APIC (Intel 82093AA data sheet).
 */
#include "ioapic.h"

#include "acpi.h"
#include "io.h"
#include "layout.h"
#include "mm.h"
#include "panic.h"

/* Two registers in memory lead to all the others. */
#define SELECT 0x00
#define WINDOW 0x10

#define VERSION       0x01
#define PIN_LOW(pin)  (0x10 + 2 * (pin))
#define PIN_HIGH(pin) (0x11 + 2 * (pin))

#define PIN_MASKED   0x10000
#define PIN_LEVEL    0x08000
#define PIN_LOW_TRUE 0x02000

/* How an ISA interrupt comes in. */
struct line {
    uint32_t pin;
    uint32_t bits; /* polarity and trigger of the pin's register */
};

static uintptr_t base; /* the registers */
static uint32_t  pins;

static uint32_t read_reg(uint32_t reg)
{
    mmio_write32(base + SELECT, reg);
    return mmio_read32(base + WINDOW);
}

static void write_reg(uint32_t reg, uint32_t value)
{
    mmio_write32(base + SELECT, reg);
    mmio_write32(base + WINDOW, value);
}

static struct line line_of(uint8_t isa_irq)
{
    struct line line = {isa_irq, 0};

    for (unsigned i = 0; i < acpi_cpus.override_count; i++) {
        uint16_t flags = acpi_cpus.overrides[i].flags;

        if (acpi_cpus.overrides[i].irq != isa_irq)
            continue;
        line.pin = acpi_cpus.overrides[i].gsi;
        if ((flags & ACPI_POLARITY) == ACPI_POLARITY_LOW)
            line.bits |= PIN_LOW_TRUE;
        if ((flags & ACPI_TRIGGER) == ACPI_TRIGGER_LEVEL)
            line.bits |= PIN_LEVEL;
    }
    line.pin -= acpi_cpus.ioapic_gsi_base;
    if (line.pin >= pins)
        panic("ISA interrupt %u is on pin %u, but the I/O APIC has %u", isa_irq, line.pin, pins);
    return line;
}

void ioapic_init(void)
{
    base = (uintptr_t)mmio_map(acpi_cpus.ioapic_phys, PAGE_SIZE);
    pins = (read_reg(VERSION) >> 16 & 0xff) + 1;
    for (uint32_t pin = 0; pin < pins; pin++) {
        write_reg(PIN_LOW(pin), PIN_MASKED);
        write_reg(PIN_HIGH(pin), 0);
    }
}

void ioapic_route(uint8_t isa_irq, uint8_t vector, uint8_t apic_id)
{
    struct line line = line_of(isa_irq);

    /* Masked while it changes, so that no half-written pin sends anything. */
    write_reg(PIN_LOW(line.pin), PIN_MASKED);
    write_reg(PIN_HIGH(line.pin), (uint32_t)apic_id << 24);
    write_reg(PIN_LOW(line.pin), line.bits | vector);
}

void ioapic_mask(uint8_t isa_irq)
{
    write_reg(PIN_LOW(line_of(isa_irq).pin), PIN_MASKED);
}
