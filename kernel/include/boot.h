/*
 * boot.h: where C begins.
 */
#ifndef CORRAL_BOOT_H
#define CORRAL_BOOT_H

#include <stdint.h>

#include "cpu.h"

/* The number of the last lab that this kernel was built for. */
extern const unsigned corral_stage;

/* CPU 0, on its kernel stack, with the boot tables.  Both are what GRUB left in EAX and EBX. */
_Noreturn void kmain(uint32_t magic, uint32_t boot_information);

/*
 * The CPU's TSS and its places for NMIs: from here on everything can come.  Interrupts off, once,
 * on the CPU itself.
 */
void cpu_take_events(struct cpu *cpu);

/* Every other CPU, on its kernel stack, with the boot tables. */
_Noreturn void ap_main(struct cpu *cpu);

#endif
