/*
 * ipi.h: the contract of lab 5, stopping every CPU at once.
 *
 * An interrupt between processors (IPI) reaches a CPU like any other: when IF is set and its level
 * is below IPI_LEVEL.  So whoever waits for others to answer must let their IPIs in, or two CPUs
 * that wait for each other wait forever.
 */
#ifndef CORRAL_IPI_H
#define CORRAL_IPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "regs.h"

typedef void ipi_function(void *arg);

/* ---- written in lab 5 ---- */

/* The lab's state of this CPU.  Interrupts off, once, on the CPU itself, before it is online. */
void ipi_init(struct cpu *cpu);

/*
 * Runs fn(arg) on every CPU that is online when it begins, this one included, at IPI_LEVEL (above
 * it on a CPU that answers by ipi_poll() from there):
 *
 *   arrive  no CPU begins fn() before all have come, and none of them runs anything else until its
 *           own fn() has returned
 *   leave   it returns when every fn() has returned; nothing of the call is used after that, so `arg`
 *           may be on the stack
 *
 * False: refused, and nothing was sent, because interrupts are off here or the level is not below
 * IPI_LEVEL: this CPU could not answer another one that calls.  Several CPUs may call at the same
 * time; each call is done on its own.  Below IPI_LEVEL with interrupts on, any CPU, an interrupt's
 * handler too.  Not from an NMI, not from fn().  fn() waits for nothing that a CPU below IPI_LEVEL
 * may have, such as a lock of a lower level: its holder is held.
 */
bool ipi_call(ipi_function *fn, void *arg);

/*
 * The same in two phases: one(arg) runs on one CPU, whichever, while all the others are held at
 * IPI_LEVEL; when it has returned, all(arg) runs on every CPU, at the same time.  Between the two
 * each CPU executes a serialising instruction, so code that one() wrote may be executed by all()
 * (SDM 3A 9.1.3, 9.3).  Refused as above.
 */
bool ipi_two_phase(ipi_function *one, ipi_function *all, void *arg);

/*
 * The handler of VECTOR_IPI: takes part in whatever was asked of this CPU, or does nothing if that
 * is done.  At IPI_LEVEL with interrupts on.
 */
void ipi_interrupt(void);

/*
 * For a CPU that spins and whose IPIs cannot come (interrupts off, or IPI_LEVEL and above): takes
 * part like ipi_interrupt().  Cheap if nothing was asked.  Any level, also where IPIs do come, and
 * from fn().  Interrupts and the level are as before.  Not from an NMI.
 */
void ipi_poll(void);

/*
 * Writes `size` bytes (1 to TEXT_MAX) over code that any CPU may be executing, while all the others
 * are held.  Each CPU executes the old bytes or the new ones, whole.  If an interrupt found a CPU
 * inside the range, behind its first byte (cpu->interrupted, all of the list), nothing is written,
 * the CPUs go on, and it is tried again, as often as that is so.  No CPU executes the code without
 * a serialising instruction after the bytes were written.  CR0 is as before.  No NMI executes this
 * code, and nothing is called from inside it.  False: refused as above, or it is this CPU's own
 * interrupt, whose handler calls this, that came inside the range: it would be tried again for
 * ever.  So would two handlers, on two CPUs, each of which came inside the range that the other one
 * writes: that is their callers' to avoid.  Several CPUs may call it at the same time.
 */
bool text_patch(void *at, const void *bytes, size_t size);

/*
 * Writes an instruction of TEXT_SITE bytes without holding anybody: INT3 over its first byte, then
 * the others, then the first; after each of the three every CPU executes a serialising instruction
 * before it goes on.  What is there and what comes is `jmp rel32` (e9) or the five-byte NOP (0f 1f
 * 44 00 00).  A CPU that meets the INT3 goes on as the old or the new instruction would.  Any number
 * of CPUs may call it, each is done on its own.  False: refused as above, or above DISPATCH_LEVEL:
 * what it interrupted may be in the middle of another one.
 */
bool text_poke(void *at, const uint8_t bytes[5]);

/*
 * A breakpoint (vector 3) of the kernel; regs->ip is behind the INT3.  True: it was text_poke()'s,
 * and regs->ip is where the CPU goes on.  Interrupts off, any level, an NMI too.  Called first of
 * all.
 */
bool text_trap(struct regs *regs);

/*
 * Bonus: forgets the translation of a page on every CPU, whatever its page tables: the page may be the
 * kernel's.  Several may call.  Refused as ipi_call().
 */
bool tlb_shootdown(uintptr_t address);

/*
 * Bonus: stops every other CPU for good, also one whose interrupts are off.  For panic(): waits for
 * nobody.  Any level, any CPU.
 */
void stop_others(void);

/* Called by each NMI first of all; does not return on a CPU that another one's stop_others() stops. */
void stop_here(void);

/* ---- given ---- */

#define TEXT_MAX  16
#define TEXT_SITE 5

/* A writable address of a byte of the kernel's code, which itself is mapped read-only. */
void *text_alias(const void *at);

/* Makes VECTOR_IPI call ipi_interrupt().  CPU 0, once. */
void ipi_vector_init(void);

/* The lab sends by these two only: VECTOR_IPI to a CPU, or an NMI unless it cannot take one yet.  Any
   level.  NMI: yes. */
void ipi_send(const struct cpu *cpu);
void ipi_send_nmi(const struct cpu *cpu);

/* The lab's own memory: LAB5_AREA_SIZE bytes, aligned to 64, zero. */
static inline void *lab5_cpu_area(struct cpu *cpu)
{
    return cpu->lab5.bytes;
}

#endif
