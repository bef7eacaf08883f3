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

/* A function at which the host stops a CPU: it must exist by itself. */
#define HOST_STOPS_HERE __attribute__((noinline))

/*
 * The same, where it stops in every schedule: behind a NOP, since to go on from there the host need
 * not step the CPU.
 */
#define HOST_STOPS_OFTEN __attribute__((noinline, patchable_function_entry(1)))

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
 * Makes a thread of the program `checker`, waiting, for one CPU.  CPU 0.  NULL: no room.
 */
struct thread *probe_thread(unsigned cpu);

/*
 * Makes it the present one of the CPU that runs this, with its address space; nothing of lab 1 is
 * called but thread_regs().
 */
void probe_adopt(struct thread *thread);

/* Gives the thread a page of zeros that it may write and execute; its kernel address, or 0. */
void *probe_map(struct thread *thread, uintptr_t address);

/* Runs in ring 0 with interrupts on and does nothing, instruction by instruction, then returns. */
void probe_sled(void);

/*
 * A trap of ring 3 in a graded boot.  True: the host asked for it, and the thread goes on
 * probe_trap_skip bytes later.
 */
bool probe_trap(struct regs *regs, uintptr_t cr2);

/* What an NMI, a machine check and deferred work do in a graded boot: they answer the host. */
void probe_nmi(const struct regs *regs);
void probe_mce(const struct regs *regs);
void probe_log_line(const char *text); /* nmi_log() of a copy that is gone when it comes back */
void probe_work(unsigned work);

/* Before lab 3 an NMI stops the kernel, unless this is not 0. */
extern uint32_t probe_nmi_allowed;

/* ---- the seam: functions around macros of lab 2, which the host calls ---- */

/*
 * Calls fn(arg) with something of ring 3's in GS: a selector in 32 bits, a base in 64.  Puts the
 * kernel's back.  Interrupts off.
 */
uintptr_t probe_with_gs(uintptr_t gs, uintptr_t fn, uintptr_t arg);

/* gs_enter with BP as its register, which the host has given any value. */
void probe_gs_enter(void);

/* percpu_read(), percpu_write(), percpu_add() of this CPU's probe fields; read: that of `size` bytes. */
uintptr_t probe_percpu_read(uintptr_t size);
void      probe_percpu_write(uintptr_t value);
void      probe_percpu_write_one(uintptr_t size, uintptr_t value);
void      probe_percpu_add(uintptr_t number);

/* Waits until an interrupt has changed the field of 4 bytes, which is `old`.  Interrupts on. */
void probe_percpu_wait(uint32_t old);

/* Reads 4 bytes at an offset from GS, as a kernel with a bug would. */
uint32_t probe_gs_read32(uintptr_t offset);

#endif
