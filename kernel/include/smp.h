/*
 * smp.h: starts the other CPUs.
 */
#ifndef CORRAL_SMP_H
#define CORRAL_SMP_H

/* The page below 1 MiB where a CPU that starts finds its first code; its contents are put back. */
#define AP_PAGE 0x8000

#ifndef __ASSEMBLER__

#include "cpu.h"

/*
 * Starts the CPUs that the MADT lists, one after another. Each gets the next free place in cpus[]
 * (id and apic_id are set here, kstack_top must be), runs ap_main() and must set its online; then
 * ncpus counts it. One that does not within a second is stopped, reported and left out.
 * Level: PASSIVE, interrupts off. CPU: 0, once, after acpi_init(), mm_init(), lapic_init().
 * NMI: no. SDM 3A 9.4.4.
 */
void smp_start(void);

/*
 * Given by the kernel: where each of them arrives, on its kernel stack and the boot page tables,
 * with interrupts off, the registers CR0 and EFER of CPU 0, CR4 with PAE alone, the descriptors
 * KERNEL_CS and KERNEL_DS of a GDT in AP_PAGE, and no IDT. It must load its own GDT, IDT and CR3
 * before it stores true to cpu->online (with release): AP_PAGE is not its own afterwards.
 */
_Noreturn void ap_main(struct cpu *cpu);

#endif
#endif
