/*
 * probe.h: the grader's half inside the guest.
 *
 * In a graded boot no program starts and no device interrupts.  Each CPU waits in probe_park() for
 * the host to write a call into its mailbox; the host then runs that CPU, alone, and looks for
 * itself.  Nothing here decides anything: it only makes states that the host wants to see.
 */
#ifndef CORRAL_PROBE_H
#define CORRAL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "regs.h"

#define PROBE_INTERRUPTS_ON 1u       /* call with IF=1 */
#define PROBE_LEVEL(flags)  ((flags) >> 8 & 15) /* and at this level */

/* The host writes fn last.  Equal in both widths. */
struct probe_mailbox {
    uint64_t fn;     /* what to call; 0: nothing */
    uint64_t arg[4];
    uint64_t ret;
    uint64_t flags;
    uint64_t count;  /* calls that have returned */
};
extern struct probe_mailbox probe_mailbox[MAX_CPUS];

/* Not 0: this is a graded boot.  The host writes it when CPU 0 is at boot_choice(). */
extern uint32_t probe_boot;
void boot_choice(void);

/* Gives the vectors that no device has a handler that answers the host.  CPU 0, once. */
void probe_interrupts_init(void);

/* Where the host waits: all CPUs are parked; a call has returned. */
void probe_ready(void);
void probe_returned(struct cpu *cpu);

/* Parks CPU 0 once the others are parked; parks a CPU.  Interrupts off. */
_Noreturn void probe_start(void);
_Noreturn void probe_park(struct cpu *cpu);

/* Loads every register from *regs and goes to ring 3.  Interrupts off. */
_Noreturn void probe_enter_user(const struct regs *regs);

/*
 * Makes a thread of the program `checker`, waiting.  If `present` it is CPU 0's present one, its
 * address space is active, and nothing of the lab was called but thread_regs().  0: no room.
 */
struct thread *probe_thread(bool present);

/* Gives the thread a page of zeros that it may write and execute; its kernel address, or 0. */
void *probe_map(struct thread *thread, uintptr_t address);

/* Runs in ring 0 with interrupts on and does nothing, instruction by instruction, then returns. */
void probe_sled(void);

/*
 * A trap of ring 3 in a graded boot.  True: the host asked for it, and the thread goes on
 * probe_trap_skip bytes later.
 */
bool probe_trap(struct regs *regs, uintptr_t cr2);

#endif
