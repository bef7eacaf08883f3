/*
 * tss.c: exercise 1.1, the TSS and the stack that the hardware loads.
 */
#include "hole.h"
#include "lab1.h"
#include "string.h"
#include "x86.h"

/*
 * tss_init(cpu): see entry.h.
 *
 * Before: the TSS is any bytes, the task register is 0.
 * After:  every field is 0 but those named here; the task register is TSS_SEL.
 */
void tss_init(struct cpu *cpu)
{
    /* BEGIN 1.1 */
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
    tss->sp0 = cpu->kstack_top; /* until there is a thread */
    tss->iopb = sizeof(*tss);   /* beyond the limit: ring 3 has no port (SDM 1 19.5.2) */
    gdt_set_tss(cpu, tss, sizeof(*tss));
    ltr(TSS_SEL);
    /* INSTEAD 1.1 */
    //| /*
    //|  * 1. Clear cpu->tss.
    //|  * 2. 64 bits: IST_DF, IST_NMI, IST_MC and IST_DEBUG get the tops in cpu->own_top[].
    //|  *    ist[0] is IST 1.  32 bits: SS0.
    //|  * 3. No port for ring 3: the I/O bitmap starts beyond the limit.
    //|  * 4. Give it a descriptor with gdt_set_tss(), and load the task register.
    //|  */
    //| HOLE("1.1", "fill in cpu->tss and load the task register");
    /* END 1.1 */
}

/*
 * tss_set_sp0(cpu, thread): see entry.h.
 *
 * What the hardware pushes from there is the upper end of the thread's saved registers.
 */
void tss_set_sp0(struct cpu *cpu, struct thread *thread)
{
    /* BEGIN 1.1 */
    struct lab1_thread *mine = lab1_thread_area(thread);
    mine->kstack = cpu->kstack_top;
    cpu->tss.sp0 = (uintptr_t)(&mine->regs + 1);
#ifndef __x86_64__
    if (mine->regs.flags & EFLAGS_VM)
        cpu->tss.sp0 += sizeof(mine->v86); /* bonus 1.9: four more words are pushed first */
#endif
    /* INSTEAD 1.1 */
    //| HOLE("1.1", "name the stack for interrupts of this thread in cpu->tss");
    /* END 1.1 */
}

/* thread_regs(thread): see entry.h.  Everybody else reaches the registers through this. */
struct regs *thread_regs(struct thread *thread)
{
    /* BEGIN 1.1 */
    return &((struct lab1_thread *)lab1_thread_area(thread))->regs;
    /* INSTEAD 1.1 */
    //| HOLE("1.1", "say where this thread's registers are saved");
    /* END 1.1 */
}
