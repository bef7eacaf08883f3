/*
 * trap.c: faults and traps.  Of ring 3: its thread ends.  Of the kernel: a copy to or from ring 3
 * fails, the return to ring 3 fails, or the kernel is wrong and stops.
 */
#include "entry.h"
#include "ipi.h"
#include "mm.h"
#include "nmi.h"
#include "panic.h"
#include "percpu.h"
#include "probe.h"
#include "symbols.h"
#include "trap.h"

static const char *const names[32] = {
    "divide error", "debug exception", "NMI", "breakpoint", "overflow", "bound range exceeded",
    "invalid opcode", "device not available", "double fault", "coprocessor overrun", "invalid TSS",
    "segment not present", "stack fault", "general protection fault", "page fault", "reserved",
    "x87 error", "alignment check", "machine check", "SIMD error",
};

const char *trap_name(unsigned vector)
{
    return vector < 32 && names[vector] ? names[vector] : "unknown trap";
}

/* Stops the kernel, naming the place in it; the callers follow in the backtrace. */
_Noreturn static void kernel_fault(const struct regs *regs, const char *what, uintptr_t address)
{
    uintptr_t   offset = 0;
    const char *name = symbol_name((uintptr_t)regs->ip, &offset);
    panic("%s in the kernel at %p (%s+0x%lx), error code 0x%x, address %p", what,
          (void *)(uintptr_t)regs->ip, name ? name : "?", (unsigned long)offset,
          (unsigned)regs->error, (void *)address);
}

void ktrap(struct regs *regs, uintptr_t cr2)
{
    unsigned vector = (unsigned)regs->vector;
    bool     user = regs_from_user(regs);
    if (!user && vector == VECTOR_BREAKPOINT && text_trap(regs))
        return; /* somebody writes this instruction just now */
    if ((vector == VECTOR_NM || (!user && vector == VECTOR_GP)) && nmi_fixup(regs))
        return; /* it knows its own by the error code; gs_fixup() might take them for its */
    if (!user && (vector == VECTOR_GP || vector == VECTOR_PF) && gs_fixup(regs, cr2))
        return; /* until then there is no this_cpu() */
    if (user) {
        if (vector == VECTOR_SYSCALL)
            ksyscall(regs);
        else if (!probe_trap(regs, cr2))
            thread_fault(this_cpu()->current, regs, cr2);
        return;
    }
    if (regs->ip == (uintptr_t)user_iret)
        iret_fixup(regs);
    uintptr_t fixup = vector == VECTOR_PF || vector == VECTOR_GP ? exception_fixup(regs->ip) : 0;
    if (!fixup)
        kernel_fault(regs, trap_name(vector), cr2);
    regs->ip = fixup;
}

/* Double fault, machine check, and a debug exception of the kernel: on their own stacks. */
_Noreturn void own_fatal(const struct regs *regs);
_Noreturn void own_fatal(const struct regs *regs)
{
    kernel_fault(regs, trap_name((unsigned)regs->vector), 0);
}

/* Until lab 3 an NMI ends everything, unless the grader asked for it. */
void nmi_unexpected(const struct regs *regs);
void nmi_unexpected(const struct regs *regs)
{
    if (!probe_nmi_allowed)
        kernel_fault(regs, "an NMI, which waits for lab 3,", 0);
    knmi(regs);
}
