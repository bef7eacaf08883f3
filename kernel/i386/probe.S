/*
 * _Noreturn void probe_enter_user(const struct regs *regs);
 * void probe_sled(void);
 */
#include "gs.h"

    .text
    .globl probe_enter_user
probe_enter_user:
    mov   4(%esp), %esp
    pop   %gs
    pop   %fs
    pop   %es
    pop   %ds
    popa
    gs_exit
    add   $8, %esp
    iret

/* Every register but ESP keeps its value, so that the host can give them any. */
    .globl probe_sled, probe_sled_end
probe_sled:
    .rept 16
    nop
    .endr
probe_sled_end:
    ret
