/*
 * ioapic.h: the I/O APIC, which turns the lines of the devices into vectors.
 *
 * CPU: one at a time; its registers are reached in two steps. NMI: no.
 */
#ifndef CORRAL_IOAPIC_H
#define CORRAL_IOAPIC_H

#include <stdint.h>

/* Masks all of its pins. CPU 0, once, after mm_init() and acpi_init(). Level: any. */
void ioapic_init(void);

/*
 * Sends the ISA interrupt (0 to 15) as this vector to the CPU with this APIC id, by the pin, the
 * polarity and the trigger that the MADT gives it. Level: DISPATCH or below.
 */
void ioapic_route(uint8_t isa_irq, uint8_t vector, uint8_t apic_id);

/* Masks the ISA interrupt. Level: DISPATCH or below. */
void ioapic_mask(uint8_t isa_irq);

#endif
