/*
 * entry.h: the contract of lab 1, the edge between ring 3 and the kernel.
 *
 * One kernel stack a CPU.  An interrupt of ring 3 saves the registers where thread_regs() finds
 * them and goes on at the top of the CPU's kernel stack; nothing of a thread stays on that stack.
 * An interrupt of the kernel saves them on the stack that it found, and returns there.
 */
#ifndef CORRAL_ENTRY_H
#define CORRAL_ENTRY_H

#include "cpu.h"
#include "regs.h"
#include "thread.h"

/* ---- written in lab 1 ---- */

/*
 * Fills in this CPU's TSS and loads the task register: the own stacks, SS0 in 32 bits, and an I/O
 * bitmap beyond the limit.  Interrupts off, once, on the CPU itself.  SDM 3A 8.2, 8.7.
 */
void tss_init(struct cpu *cpu);

/*
 * Names the stack that the CPU will load when ring 3, running `thread`, is interrupted.
 * Interrupts off, on the CPU itself, before the return to ring 3.
 */
void tss_set_sp0(struct cpu *cpu, struct thread *thread);

/*
 * The saved registers of a thread that is not in ring 3 now.  Valid until it returns there.
 * Any level, any CPU.
 */
struct regs *thread_regs(struct thread *thread);

/*
 * Where the stubs of the vectors jump to.  On the stack: vector, error code, the hardware's frame.
 * intr_common (32 to 255) calls kintr(regs); trap_common (faults, traps, system calls) calls
 * ktrap(regs, cr2).  Both leave by ret_to_user() if ring 3 was interrupted, else by IRET.
 *
 * Ring 3 may jump to any address, the kernel's too, and in 64 bits it has a second CS: which ring it
 * was, only the two lowest bits of the saved CS say, and EFLAGS.VM.
 *
 * C is called with interrupts off and, whatever was interrupted, with DF clear; in 64 bits with RSP a
 * multiple of 16 before the CALL, in 32 bits with KERNEL_DS in DS and ES.
 */
void intr_common(void);
void trap_common(void);

/*
 * Leaves the kernel: to the thread whose turn it is, or to the idle loop.  Interrupts off; called
 * on the kernel stack, of which nothing is needed any more.  Calls exit_work() before each return,
 * also to the thread that was here last.  cpu->as and cpu->current may have been changed by others.
 */
_Noreturn void ret_to_user(void);

/* The instruction that returns to ring 3: the only one of the kernel that may fault for the user. */
extern const char user_iret[];

/*
 * Waits in ring 0, halted, until a thread can run, with interrupts on only while it waits, and then
 * leaves by ret_to_user().  Interrupts off; nothing on the stack is needed any more.
 */
_Noreturn void idle_loop(void);

/*
 * Called by ktrap() for a fault at user_iret.  `regs` are those of the kernel at the IRET; the
 * thread is ended by thread_fault(), and its own saved registers are as they were.
 */
_Noreturn void iret_fixup(struct regs *regs);

/* Where SYSCALL (64 bits) or SYSENTER (32 bits) arrives: interrupts off, the user's stack pointer. */
void syscall_entry(void);

/* ---- given ---- */

/*
 * A device interrupt.  Raises the level to that of the vector, ends the interrupt at the local
 * APIC, runs the handler with interrupts on, and returns with them off and the level restored.
 */
void kintr(struct regs *regs);

/*
 * A fault, a trap or a system call; cr2 is CR2 as it was before anything else could fault.
 * Returns with interrupts off.  A fault of the kernel itself does not return.
 */
void ktrap(struct regs *regs, uintptr_t cr2);

/* A system call that came without a gate.  Interrupts off at both ends. */
void ksyscall(struct regs *regs);

/* Work that is due before ring 3 runs again.  Interrupts off. */
void exit_work(void);

/* Gives cpu->gdt its TSS descriptor for the `size` bytes at `tss`: available, DPL 0. */
void gdt_set_tss(struct cpu *cpu, const void *tss, uint32_t size);

/* The lab's own memory in a thread and in a CPU: LAB1_AREA_SIZE bytes, aligned to 64, zero. */
static inline void *lab1_thread_area(struct thread *thread)
{
    return thread->lab1.bytes;
}
static inline void *lab1_cpu_area(struct cpu *cpu)
{
    return cpu->lab1.bytes;
}

#endif
