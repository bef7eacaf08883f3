/*
 * percpu.h: the contract of lab 2, what a CPU finds through GS.
 *
 * In the kernel %gs:0 is this CPU's struct cpu.  Ring 3 may put into GS whatever it likes: any
 * selector that it may load, in 64 bits any base (WRGSBASE).  So each way into the kernel has to see
 * to it, and each way out has to give ring 3 its own GS back.
 *
 * In 64 bits SWAPGS exchanges the two bases.  In 32 bits GS is a selector; it may stay what ring 3
 * made of it, if the fault of the first access through it repairs it.
 */
#ifndef CORRAL_PERCPU_H
#define CORRAL_PERCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "regs.h"
#include "thread.h"

/* ---- written in lab 2: functions ---- */

/*
 * Makes %gs:0 this CPU's struct cpu, from the next instruction on, whatever was there.  In 32 bits it
 * fills in cpu->gdt[PERCPU_SEL / 8], which is in use already; in 64 bits ring 3's base is 0 afterwards.
 * Interrupts off, once, on the CPU itself, after its GDT was loaded.  SDM 3A 3.4.4, 3.4.5.
 */
void percpu_init(struct cpu *cpu);

/* The CPU that runs this, by GS.  Any level, an NMI too. */
struct cpu *this_cpu(void);

/*
 * The CPU that runs this, without GS: by something that only the hardware of this CPU says.
 * Any level, any CPU, any GS, any stack of the kernel, after percpu_init(); an NMI, and gs_fixup(), may
 * call it.
 */
struct cpu *cpu_from_hw(void);

/*
 * Called by ktrap() for a general protection fault (13) or a page fault (14) of the kernel, before
 * anything uses GS.  True: ring 3's GS was the reason, and the instruction will find the kernel's GS
 * when it is executed again.  False: it is a fault like any other.  `cr2` is the address of a page
 * fault.  Interrupts off.  GS is not to be trusted here.
 */
bool gs_fixup(struct regs *regs, uintptr_t cr2);

/*
 * `from` had its turn on this CPU, `to` has the next; either may be NULL, for idle.  In 64 bits the
 * base that ring 3 has in GS belongs to the thread: it is kept in `from` and comes back with `to`.
 * Interrupts off, any CPU, not from an NMI.
 */
void gs_switch(struct thread *from, struct thread *to);

/*
 * The present thread's own GS base from its next instruction on; `base` is an address of ring 3.
 * False in 32 bits, where GS has no base of its own.  Interrupts off, from a system call.
 */
bool gs_set_user_base(uintptr_t base);

/*
 * Bonus: keeps ring 3 from reading where the descriptor tables are (SGDT, SIDT, SLDT, SMSW, STR),
 * where the CPU can (UMIP).  Interrupts off, each CPU, once.  SDM 3A 2.5, CR4.UMIP.
 */
void hide_tables(void);

/* What honest threads have in GS when they start: a selector in 32 bits, 0 in 64. */
extern const uint16_t user_gs;

/*
 * ---- written in lab 2: macros of the lab's gs.h, for assembly ----
 *
 * gs_enter [register]  On the way in.  The register (SP, unless another is named) points at a
 *              complete struct regs; interrupts are off.  Ring 3's GS is there if REGS_CS says ring
 *              3, whatever REGS_IP says, and also if the kernel faulted at user_iret.  May change the
 *              flags, no register.
 * gs_exit      On the way out, the last thing before IRET.  In 64 bits SP is at the hardware's
 *              frame (IP, CS, FLAGS, SP, SS); in 32 bits it comes before ring 3's segments are
 *              loaded, if they are, and SP is anywhere.  May change the flags, no register.
 * syscall_stack  For SYSCALL and SYSENTER, which change no stack.  Keeps the user's stack pointer for
 *              push_user_sp, on this CPU (SYSENTER has none to keep), and loads what an interrupt would
 *              have loaded, RSP0 or ESP0.  In 64 bits GS is the kernel's afterwards.  In 32 bits SP is
 *              this CPU's SYSENTER_ESP before: the end of its cpu->sysenter_stack.  No register is
 *              free, and GS is ring 3's: nothing here may fault.
 * push_user_sp 64 bits: pushes what syscall_stack kept.
 * gs_paranoid_enter  For handlers that come at any moment: an NMI, a machine check.  Nothing is
 *              known of GS, whatever CS says, and a base with a kernel's address proves nothing.
 *              All registers are saved; changes any but SP and BP; SP is a multiple of 16 and has
 *              room below.  Afterwards %gs:0 is this CPU's, and B (RBX, EBX) is what
 *              gs_paranoid_exit needs to put GS back exactly as it was.  Must not fault.
 * gs_paranoid_exit   Undoes it.  Changes any register but SP and BP.  Must not fault.
 *
 * ---- written in lab 2: macros of the lab's percpu_ops.h, for C ----
 *
 * percpu_read(field), percpu_write(field, value), percpu_add(field, number): a field of this CPU's
 * struct cpu, of 1, 2, 4 or, in 64 bits, 8 bytes.  An interrupt may come before or after the access
 * but not in the middle of it, and touch the fields beside it.  Each use is an access: a loop that
 * reads a field until an interrupt has changed it ends.  Any level, any CPU; an NMI may use them.
 */

/* ---- given ---- */

/* The lab's own memory: LAB2_AREA_SIZE bytes, aligned to 64, zero. */
static inline void *lab2_thread_area(struct thread *thread)
{
    return thread->lab2.bytes;
}
static inline void *lab2_cpu_area(struct cpu *cpu)
{
    return cpu->lab2.bytes;
}

#endif
