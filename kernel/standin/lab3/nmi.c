/*
 * nmi.c: stand-in for lab 3.  No NMI is expected, and nobody defers work.
 */
#include "nmi.h"

#include "panic.h"

bool nmi_nestable(void)
{
    return false;
}

void nmi_init(struct cpu *cpu)
{
    (void)cpu;
}

bool nmi_fixup(struct regs *regs)
{
    (void)regs;
    return false;
}

void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    (void)cpu, (void)cr3;
}

void nmi_defer(unsigned work)
{
    panic("nmi_defer(%u) waits for lab 3", work);
}

void nmi_run_deferred(void)
{
}

void nmi_log(const char *text)
{
    klog_put(text);
}
