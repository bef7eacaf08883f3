/*
 * lapic.h: this CPU's local APIC, by its registers in memory (xAPIC).
 *
 * SDM section numbers are those of the editions since 2023; before, chapter 11 was chapter 10.
 */
#ifndef CORRAL_LAPIC_H
#define CORRAL_LAPIC_H

#include <stdint.h>

/*
 * Turns this CPU's local APIC on: spurious vector VECTOR_SPURIOUS, LINT1 is NMI, the other local
 * interrupts masked, task priority PASSIVE_LEVEL.
 * Level: PASSIVE, interrupts off. CPU: each one once, first CPU 0, after mm_init() and acpi_init().
 * NMI: no. SDM 3A 11.4, 11.5.1, 11.9.
 */
void lapic_init(void);

/* This CPU's APIC id; before lapic_init(), what CPUID says. Level: any. CPU: any. NMI: yes. */
uint8_t lapic_id(void);

/*
 * Ends the interrupt that is in service; none for an NMI or a spurious one.
 * Level: that of the interrupt. CPU: the one that took it. NMI: no. SDM 3A 11.8.5.
 */
void lapic_eoi(void);

/*
 * Sends a vector (32 to 255), or an NMI, to the CPU with this APIC id; one's own will do for the
 * vector. May wait, a bounded time, until the previous message has left.
 * Level: any. CPU: any. NMI: yes, it leaves the registers as it found them. SDM 3A 11.6.1.
 */
void lapic_send(uint8_t apic_id, uint8_t vector);
void lapic_send_nmi(uint8_t apic_id);

/*
 * The two messages that start a CPU: INIT stops it, STARTUP makes it run in real mode from the
 * start of the page at this physical address below 1 MiB.
 * Level: any. CPU: any. NMI: no. SDM 3A 9.4.3.
 */
void lapic_send_init(uint8_t apic_id);
void lapic_send_startup(uint8_t apic_id, uintptr_t page);

/*
 * The task priority register: interrupts of this level (vector / 16) and below wait.
 * Before lapic_init() it is only remembered. Use irql.h. Level: any. CPU: any. NMI: yes.
 * SDM 3A 11.8.3.1.
 */
uint8_t lapic_priority(void);
void    lapic_set_priority(uint8_t level);

/*
 * Measures the timer's rate against the PIT, for about 10 ms.
 * Level: PASSIVE, interrupts off. CPU: 0, once, after lapic_init(). NMI: no.
 */
void lapic_timer_init(void);

/*
 * Raises the vector on this CPU hz times a second until lapic_timer_stop().
 * Level: any. CPU: any, after lapic_timer_init(). NMI: no. SDM 3A 11.5.4.
 */
void lapic_timer_start(uint32_t hz, uint8_t vector);
void lapic_timer_stop(void);

#endif
