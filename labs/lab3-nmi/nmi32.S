/*
 * nmi32.S: exercises 3.2, 3.4 and 3.6: NMIs and machine checks in 32 bits, as tasks.
 *
 * A task gate changes the stack whatever was interrupted, and every register comes from the task's
 * TSS: nothing of the interrupted code is left in the CPU but CR2.  Its registers are in the TSS that
 * it was running on.  IRET with NT set goes back there (SDM 3A 8.3, 8.4).
 *
 *      own_top       this CPU's struct cpu     <- ESP each time
 */
#include "gs.h"
#include "hole.h"
#include "lab3_offsets.h"

    .text


/* The NMI task.  Its TSS keeps where it was, so the next NMI begins behind the IRET. */
    .globl nmi_task, nmi_look, nmi_task_iret
nmi_task:
/*
 * 1. gs_paranoid_enter, as every handler that comes at any moment.
 * 2. Call nmi_task_run(cpu); the word at (%esp) is this CPU.
 * 3. gs_paranoid_exit, then IRET.  Where does the next NMI begin?
 */
    HOLE("3.2", "call nmi_task_run, go back by IRET, be ready for the next")
nmi_look:                         /* labels for exercise 3.4, if you want them */
nmi_task_iret:

/* The machine check task. */
    .globl mc_task
mc_task:
    HOLE("3.6", "the same for mc_task_run")

/* The stubs of these vectors are not used: their gates are task gates. */
    .globl nmi_entry, mc_entry
nmi_entry:
mc_entry:
    jmp   trap_common
