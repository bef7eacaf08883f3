/*
 * nmi32.S: NMIs and machine checks in 32 bits, as tasks.
 *
 *      own_top       this CPU's struct cpu     <- ESP each time
 */
#include "gs.h"

    .text

/* Calls void function(struct cpu *cpu) with this CPU's GS, and goes back to what was interrupted. */
    .macro task function
1:  gs_paranoid_enter
    mov   (%esp), %eax
    sub   $12, %esp
    push  %eax
    call  \function
    add   $16, %esp
    gs_paranoid_exit
    iret
    jmp   1b                          /* the TSS keeps where it was: the next one begins here */
    .endm

    .globl nmi_task
nmi_task:
    task  nmi_task_run

    .globl mc_task
mc_task:
    task  mc_task_run

/* The stubs of these vectors are not used: their gates are task gates. */
    .globl nmi_entry, mc_entry
nmi_entry:
mc_entry:
    jmp   trap_common
