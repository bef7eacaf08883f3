/*
 * nmi.h: the contract of lab 3, interrupts that cannot be masked.
 *
 * An NMI comes between any two instructions, whatever the flags say.  While its handler runs the
 * next one waits, one at most, but only until the CPU executes an IRET, any IRET (SDM 3A 6.7.1).
 */
#ifndef CORRAL_NMI_H
#define CORRAL_NMI_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "regs.h"
#include "thread.h"

#define NMI_WORK_RINGS 0 /* look at the rings */
#define NMI_WORKS     16 /* kinds of deferred work of the kernel; numbers up to 31 are the lab's */
#define LOG_LINE_SIZE 48 /* bytes of a line of the log, its NUL counted */

/* ---- written in lab 3 ---- */

/*
 * Gives this CPU's NMIs, and its machine checks, stacks of their own: cpu->own_top[OWN_NMI] and
 * [OWN_MC].  Interrupts off, once, on the CPU itself, after tss_init().  No NMI comes before.
 */
void nmi_init(struct cpu *cpu);

/*
 * Where the stub of vector 2 jumps to, and that of vector 18.  On the stack: vector, 0, the
 * hardware's frame.  Nothing else is known: not GS, not the other segments, not a flag.  They call
 * knmi(regs) or kmce(regs) with interrupts off, DF clear, the kernel's segments and GS, and then the
 * interrupted code goes on with every register as it was, CR2 too.  With a task gate they are not
 * used.
 */
void nmi_entry(void);
void mc_entry(void);

/*
 * True: knmi() may fault.  The IRET of that fault's handler lets the next NMI in, and the lab's code
 * bears it.  False: knmi() must not fault, and no IRET may run from the NMI to its own last one.
 */
bool nmi_nestable(void);

/*
 * Called by ktrap() first of all, for every general protection fault (13) of the kernel and for every
 * "device not available" (7).  True: it came from how NMIs are handled here, is dealt with, and the
 * instruction at regs->ip is executed (again).  Interrupts off.  GS is not to be trusted here.
 */
bool nmi_fixup(struct regs *regs);

/*
 * CR3 of this CPU is about to become `cr3`.  Interrupts off; an NMI may come at any moment: before,
 * during and after.
 */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3);

/*
 * Asks for work number `work` (0 to 31) on this CPU: it will be run at least once after this, at
 * level DISPATCH or before the return to ring 3, within one clock tick.  Any level, from an NMI,
 * and also from code that an NMI interrupts here.  IF stays as it is.
 */
void nmi_defer(unsigned work);

/*
 * Runs all that was asked for on this CPU: calls nmi_work() for each number below NMI_WORKS.
 * Called by exit_work() with interrupts off, and from the interrupt VECTOR_DISPATCH.  IF stays as it
 * is, also while the work is done.
 */
void nmi_run_deferred(void);

/*
 * Adds a line to this CPU's log.  Never waits.  It is in the log, once and whole, at the latest
 * after one clock tick; up to 4 may be on their way at a time.  At most LOG_LINE_SIZE - 1 bytes are
 * kept; `text` is the caller's again when this returns.  Any level, from an NMI, and also from code
 * that an NMI interrupts here.  IF stays as it is.
 */
void nmi_log(const char *text);

/* ---- given ---- */

/* The NMI, the machine check.  They never wait and never choose another thread. */
void knmi(const struct regs *regs);
void kmce(const struct regs *regs);

/* The kernel's deferred work.  Level DISPATCH or interrupts off, not from an NMI. */
void nmi_work(unsigned work);

/* Writes one line to this CPU's log.  Not to be entered twice at a time on a CPU. */
void klog_put(const char *text);

/* Makes VECTOR_DISPATCH run the deferred work.  CPU 0, once. */
void dispatch_init(void);

/* Sends VECTOR_DISPATCH to this CPU: it comes as soon as the level and IF allow.  NMI: yes. */
void dispatch_request(void);

/*
 * The gate of a vector, the same for all CPUs: an interrupt gate on stack `ist` (64 bits, 1 to 7;
 * 0 is none), or a task gate (32 bits).  Interrupts off.
 */
void idt_set_ist(unsigned vector, unsigned ist);
void idt_set_task(unsigned vector, unsigned selector);

/* Gives slot `selector` of this CPU's GDT a TSS: available, DPL 0. */
void gdt_set_task(struct cpu *cpu, unsigned selector, const void *tss, uint32_t size);

/* The lab's own memory: LAB3_AREA_SIZE bytes, aligned to 64, zero. */
static inline void *lab3_thread_area(struct thread *thread)
{
    return thread->lab3.bytes;
}
static inline void *lab3_cpu_area(struct cpu *cpu)
{
    return cpu->lab3.bytes;
}

#endif
