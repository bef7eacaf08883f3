/*
 * task32.c: exercises 3.1, 3.2 and 3.4 in 32 bits, the C part of the tasks.
 */
#include "hole.h"
#include "lab3.h"
#include "mm.h"
#include "percpu.h"
#include "x86.h"

/* In nmi32.S. */
extern const char nmi_task[], nmi_look[], nmi_task_iret[], mc_task[];
void nmi_task_run(struct cpu *cpu);
void mc_task_run(struct cpu *cpu);

/* BEGIN 3.1 */
/* A task's first state.  Its page tables are the kernel's own: any other could be gone by then. */
static void fill(struct tss *tss, const char *entry, uintptr_t stack)
{
    *tss = (struct tss){
        .cr3 = (uint32_t)kernel_root(),
        .eip = (uint32_t)entry,
        .esp = stack,
        .eflags = 2,
        .cs = KERNEL_CS,
        .ss = KERNEL_DS,
        .ds = KERNEL_DS,
        .es = KERNEL_DS,
        .iopb = sizeof(*tss),
    };
}
/* INSTEAD 3.1 */
/* END 3.1 */

/* nmi_init(cpu): see nmi.h. */
void nmi_init(struct cpu *cpu)
{
    /* BEGIN 3.1 */
    fill(&cpu->nmi_tss, nmi_task, cpu->own_top[OWN_NMI]);
    fill(&cpu->mc_tss, mc_task, cpu->own_top[OWN_MC]);
    gdt_set_task(cpu, NMI_TSS_SEL, &cpu->nmi_tss, sizeof(cpu->nmi_tss));
    gdt_set_task(cpu, MC_TSS_SEL, &cpu->mc_tss, sizeof(cpu->mc_tss));
    cpu->tss.cr3 = (uint32_t)read_cr3(); /* the way back loads it; nobody else has written it */
    idt_set_task(VECTOR_NMI, NMI_TSS_SEL);
    idt_set_task(VECTOR_MC, MC_TSS_SEL);
    /* INSTEAD 3.1 */
    //| /*
    //|  * 1. A TSS for the NMI task of this CPU (cpu->nmi_tss), and one for the machine check.
    //|  * 2. Their descriptors, then the task gates.
    //|  * 3. What does the CPU load on the way back that it never saves?
    //|  */
    //| HOLE("3.1", "give vector 2 and vector 18 tasks of their own on this CPU");
    /* END 3.1 */
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  A task switch loads CR3 and never saves it (SDM 3A 8.3). */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    /* BEGIN 3.1 */
    cpu->tss.cr3 = (uint32_t)cr3;
    /* INSTEAD 3.1 */
    //| HOLE("3.1", "keep what the way back from the NMI task will load");
    /* END 3.1 */
}

/* BEGIN 3.2 */
/* The registers of what a task interrupted: its back link says on which TSS that was running. */
static struct regs interrupted(const struct cpu *cpu, const struct tss *task, unsigned vector)
{
    const struct tss *tss = &cpu->tss;
    if (task->backlink == NMI_TSS_SEL)
        tss = &cpu->nmi_tss;
    else if (task->backlink == MC_TSS_SEL)
        tss = &cpu->mc_tss;
    return (struct regs){
        .gs = tss->gs, .fs = tss->fs, .es = tss->es, .ds = tss->ds,
        .edi = tss->edi, .esi = tss->esi, .ebp = tss->ebp, .ebx = tss->ebx,
        .edx = tss->edx, .ecx = tss->ecx, .eax = tss->eax, .vector = vector,
        .ip = tss->eip, .cs = tss->cs, .flags = tss->eflags, .sp = tss->esp, .ss = tss->ss,
    };
}
/* INSTEAD 3.2 */
/* END 3.2 */

/* The body of the NMI task.  Whatever comes from here on is another NMI. */
void nmi_task_run(struct cpu *cpu)
{
    /* BEGIN 3.2 */
    struct lab3_cpu *mine = lab3_cpu_area(cpu);
    uintptr_t        cr2 = read_cr2(); /* knmi() may fault before its owner has read it */
    struct regs      regs = interrupted(cpu, &cpu->nmi_tss, VECTOR_NMI);
    __atomic_store_n(&mine->latched, 0, __ATOMIC_RELAXED); /* in this order; one CPU, no fence */
    knmi(&regs);
    write_cr2(cr2);
    /* INSTEAD 3.2 */
    //| HOLE("3.2", "call knmi with the registers of what was interrupted, and keep CR2");
    /* END 3.2 */
}

void mc_task_run(struct cpu *cpu)
{
    /* BEGIN 3.6 */
    uintptr_t   cr2 = read_cr2();
    struct regs regs = interrupted(cpu, &cpu->mc_tss, VECTOR_MC);
    kmce(&regs);
    write_cr2(cr2);
    /* INSTEAD 3.6 */
    //| HOLE("3.6", "call kmce with the registers of what was interrupted");
    /* END 3.6 */
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    /* BEGIN 3.4 */
    return true; /* nmi_fixup() latches what comes while the task is busy */
    /* INSTEAD 3.4 */
    //| HOLE("3.4", "say whether knmi() may fault, and make it true");
    /* END 3.4 */
}

/*
 * nmi_fixup(regs): see nmi.h.
 *
 * Two traps come of the task gate.  A task switch sets CR0.TS, both on the way in and on the way
 * back, so the next FPU instruction traps.  And an NMI while the task is busy is a general protection
 * fault with the task's selector as error code (bit 0, "external", is 0 in QEMU).
 */
bool nmi_fixup(struct regs *regs)
{
    if (regs->vector == VECTOR_NM) {
        /* BEGIN 3.1 */
        bool set = read_cr0() & CR0_TS;
        write_cr0(read_cr0() & ~(uintptr_t)CR0_TS);
        return set;
        /* INSTEAD 3.1 */
        //| HOLE("3.1", "a task switch sets CR0.TS, and ring 3 wants to use its FPU");
        /* END 3.1 */
    }
    /* BEGIN 3.4 */
    if ((regs->error & ~1u) != NMI_TSS_SEL)
        return false;
    struct lab3_cpu *mine = lab3_cpu_area(cpu_from_hw());
    mine->latched = 1;
    if (regs->ip > (uintptr_t)nmi_look && regs->ip <= (uintptr_t)nmi_task_iret)
        regs->ip = (uintptr_t)nmi_look; /* it has looked already: look again */
    return true;
    /* INSTEAD 3.4 */
    //| return false; /* an NMI while its task is busy comes here too: exercise 3.4 */
    /* END 3.4 */
}
