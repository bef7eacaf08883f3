/*
 * nmi32.S: NMIs and machine checks in 32 bits, as tasks, with three states for NMIs.
 *
 *      own_top       this CPU's struct cpu     <- ESP each time
 */
#include "gs.h"
#include "lab3_offsets.h"

    .text

/* Calls void function(struct cpu *cpu) with this CPU's GS. */
    .macro call_task function
    gs_paranoid_enter
    mov   (%esp), %eax
    sub   $12, %esp
    push  %eax
    call  \function
    add   $16, %esp
    gs_paranoid_exit
    .endm

/*
 * The NMI task.  DEC takes the state from "executing" to "not running" or from "latched" to
 * "executing".  If nmi_fixup() changes it behind that, it sends the task to nmi_task_again.
 */
    .globl nmi_task, nmi_task_again, nmi_task_iret
nmi_task:
    mov   (%esp), %eax
    movl  $EXECUTING, CPU_NMI_STATE(%eax)
nmi_task_again:
    call_task nmi_task_run
    mov   (%esp), %eax
    decl  CPU_NMI_STATE(%eax)
    jnz   nmi_task_again
nmi_task_iret:
    iret
    jmp   nmi_task

    .globl mc_task
mc_task:
    call_task mc_task_run
    iret
    jmp   mc_task

/* The stubs of these vectors are not used: their gates are task gates. */
    .globl nmi_entry, mc_entry
nmi_entry:
mc_entry:
    jmp   trap_common
