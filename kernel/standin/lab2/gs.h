/*
 * gs.h: stand-in for lab 2.  Until then nothing uses GS, and one CPU runs ring 3.
 * percpu.h says what these macros are for.
 */
#ifndef CORRAL_GS_H
#define CORRAL_GS_H
#ifdef __ASSEMBLER__

#include "offsets.h"

    .macro gs_enter regs
    .endm

    .macro gs_exit
    .endm

    .macro gs_paranoid_enter
    .endm

    .macro gs_paranoid_exit
    .endm

/* The user's stack pointer is kept in syscall_user_sp: one CPU runs ring 3. */
    .macro syscall_stack
#ifdef __x86_64__
    mov   %rsp, syscall_user_sp(%rip)
    mov   cpus + CPU_TSS_SP0(%rip), %rsp
#else
    mov   %ss:cpus + CPU_TSS_SP0, %esp
#endif
    .endm

    .macro push_user_sp
    push  syscall_user_sp(%rip)
    .endm

#endif
#endif
