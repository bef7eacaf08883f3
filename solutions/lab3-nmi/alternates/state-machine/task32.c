/*
 * task32.c: NMIs in 32 bits, the C part of the tasks.
 */
#include "lab3.h"
#include "mm.h"
#include "percpu.h"
#include "x86.h"

/* In nmi32.S. */
extern const char nmi_task[], nmi_task_iret[], nmi_task_again[], mc_task[];
void nmi_task_run(struct cpu *cpu);
void mc_task_run(struct cpu *cpu);

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

/* nmi_init(cpu): see nmi.h. */
void nmi_init(struct cpu *cpu)
{
    fill(&cpu->nmi_tss, nmi_task, cpu->own_top[OWN_NMI]);
    fill(&cpu->mc_tss, mc_task, cpu->own_top[OWN_MC]);
    gdt_set_task(cpu, NMI_TSS_SEL, &cpu->nmi_tss, sizeof(cpu->nmi_tss));
    gdt_set_task(cpu, MC_TSS_SEL, &cpu->mc_tss, sizeof(cpu->mc_tss));
    cpu->tss.cr3 = (uint32_t)read_cr3(); /* the way back loads it; nobody else has written it */
    idt_set_task(VECTOR_NMI, NMI_TSS_SEL);
    idt_set_task(VECTOR_MC, MC_TSS_SEL);
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  A task switch loads CR3 and never saves it (SDM 3A 8.3). */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    cpu->tss.cr3 = (uint32_t)cr3;
}

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

/* The body of the NMI task. */
void nmi_task_run(struct cpu *cpu)
{
    uintptr_t   cr2 = read_cr2(); /* knmi() may fault before its owner has read it */
    struct regs regs = interrupted(cpu, &cpu->nmi_tss, VECTOR_NMI);
    knmi(&regs);
    write_cr2(cr2);
}

void mc_task_run(struct cpu *cpu)
{
    uintptr_t   cr2 = read_cr2();
    struct regs regs = interrupted(cpu, &cpu->mc_tss, VECTOR_MC);
    kmce(&regs);
    write_cr2(cr2);
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    return true; /* nmi_fixup() changes the state if one comes while the task is busy */
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
        bool set = read_cr0() & CR0_TS;
        write_cr0(read_cr0() & ~(uintptr_t)CR0_TS);
        return set;
    }
    if ((regs->error & ~1u) != NMI_TSS_SEL)
        return false;
    struct lab3_cpu *mine = lab3_cpu_area(cpu_from_hw());
    if (mine->state != NMI_NOT_RUNNING) {
        mine->state = NMI_LATCHED;
    } else { /* its state says that it is done, but not yet its instruction pointer */
        mine->state = NMI_EXECUTING;
        regs->ip = (uintptr_t)nmi_task_again;
    }
    return true;
}
