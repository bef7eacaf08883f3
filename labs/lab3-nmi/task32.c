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


/* nmi_init(cpu): see nmi.h. */
void nmi_init(struct cpu *cpu)
{
    /*
     * 1. A TSS for the NMI task of this CPU (cpu->nmi_tss), and one for the machine check.
     * 2. Their descriptors, then the task gates.
     * 3. What does the CPU load on the way back that it never saves?
     */
    HOLE("3.1", "give vector 2 and vector 18 tasks of their own on this CPU");
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  A task switch loads CR3 and never saves it (SDM 3A 8.3). */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    HOLE("3.1", "keep what the way back from the NMI task will load");
}


/* The body of the NMI task.  Whatever comes from here on is another NMI. */
void nmi_task_run(struct cpu *cpu)
{
    HOLE("3.2", "call knmi with the registers of what was interrupted, and keep CR2");
}

void mc_task_run(struct cpu *cpu)
{
    HOLE("3.6", "call kmce with the registers of what was interrupted");
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    HOLE("3.4", "say whether knmi() may fault, and make it true");
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
        HOLE("3.1", "a task switch sets CR0.TS, and ring 3 wants to use its FPU");
    }
    return false; /* an NMI while its task is busy comes here too: exercise 3.4 */
}
