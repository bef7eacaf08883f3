/*
 * tss.c: exercise 1.1, the TSS and the stack that the hardware loads, and where the registers are.
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
    tss->sp0 = cpu->kstack_top;
    tss->iopb = sizeof(*tss); /* beyond the limit: ring 3 has no port */
    gdt_set_tss(cpu, tss, sizeof(*tss));
    ltr(TSS_SEL);
}

/* tss_set_sp0(cpu, thread): see entry.h.  One stack for all threads. */
void tss_set_sp0(struct cpu *cpu, struct thread *thread)
{
    (void)thread;
    cpu->tss.sp0 = cpu->kstack_top;
}

/* thread_regs(thread): see entry.h.  Its CPU's stack, or its area; any CPU may ask. */
struct regs *thread_regs(struct thread *thread)
{
    struct lab1_cpu *of_cpu = lab1_cpu_area(thread->cpu);
    if (of_cpu->owner == thread)
        return of_cpu->regs;
    return &((struct lab1_thread *)lab1_thread_area(thread))->regs;
}

void regs_on_stack(struct regs *regs)
{
    struct cpu      *cpu = this_cpu();
    struct lab1_cpu *mine = lab1_cpu_area(cpu);
    mine->owner = cpu->current;
    mine->regs = regs;
}

/* If the thread has ended meanwhile, this writes to a thread that nobody uses. */
void put_away(struct cpu *cpu)
{
    struct lab1_cpu *mine = lab1_cpu_area(cpu);
    if (!mine->owner)
        return;
    struct lab1_thread *area = lab1_thread_area(mine->owner);
    area->regs = *mine->regs;
#ifndef __x86_64__
    if (area->regs.flags & EFLAGS_VM)
        area->v86 = *(const struct v86_segments *)(mine->regs + 1);
#endif
    mine->owner = 0;
}
