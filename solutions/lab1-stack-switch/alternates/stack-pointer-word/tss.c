/*
 * tss.c: exercise 1.1, the TSS and the stack that the hardware loads.
 */
#include "lab1.h"
#include "string.h"
#include "x86.h"

/* tss_init(cpu): see entry.h.  SP0 is set here for good. */
void tss_init(struct cpu *cpu)
{
    struct tss *tss = &cpu->tss;
    memset(tss, 0, sizeof(*tss));
#ifdef __x86_64__
    tss->ist[IST_DF - 1] = cpu->own_top[OWN_DF];
    tss->ist[IST_NMI - 1] = cpu->own_top[OWN_NMI];
    tss->ist[IST_MC - 1] = cpu->own_top[OWN_MC];
    tss->ist[IST_DEBUG - 1] = cpu->own_top[OWN_DEBUG];
#else
    tss->ss0 = KERNEL_DS;
#endif
    tss->sp0 = (uintptr_t)stack_top(cpu);
    tss->iopb = sizeof(*tss); /* beyond the limit: ring 3 has no port */
    gdt_set_tss(cpu, tss, sizeof(*tss));
    ltr(TSS_SEL);
}

/*
 * tss_set_sp0(cpu, thread): see entry.h.  SP0 stays; the word above it changes.  Only kmain() was
 * ever there, and nobody returns from it.
 */
void tss_set_sp0(struct cpu *cpu, struct thread *thread)
{
    stack_top(cpu)->regs = thread_regs(thread);
}

/* thread_regs(thread): see entry.h. */
struct regs *thread_regs(struct thread *thread)
{
    return &((struct lab1_thread *)lab1_thread_area(thread))->regs;
}
