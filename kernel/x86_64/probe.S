/*
 * _Noreturn void probe_enter_user(const struct regs *regs);
 * void probe_sled(void);
 */
#include "gs.h"
#include "offsets.h"

    .text
    .globl probe_enter_user
probe_enter_user:
    mov   %rdi, %rsp
    pop   %r15
    pop   %r14
    pop   %r13
    pop   %r12
    pop   %rbp
    pop   %rbx
    pop   %r11
    pop   %r10
    pop   %r9
    pop   %r8
    pop   %rax
    pop   %rcx
    pop   %rdx
    pop   %rsi
    pop   %rdi
    gs_exit
    add   $16, %rsp
    iretq

/* Every register but RSP keeps its value, so that the host can give them any. */
    .globl probe_sled, probe_sled_end
probe_sled:
    .rept 16
    nop
    .endr
probe_sled_end:
    ret
