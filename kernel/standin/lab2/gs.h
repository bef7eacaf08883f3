/*
 * gs.h: stand-in for lab 2.  Until then nothing uses GS, and one CPU runs ring 3.
 *
 * gs_enter and gs_exit are what entry code calls on its way into and out of the kernel; on both the
 * stack pointer is at a complete struct regs, or in gs_exit at the hardware's frame.
 */
#ifndef CORRAL_GS_H
#define CORRAL_GS_H
#ifdef __ASSEMBLER__

#include "offsets.h"

    .macro gs_enter
    .endm

    .macro gs_exit
    .endm

/*
 * syscall_stack: for SYSCALL and SYSENTER, which change no stack.  Parks the user's stack pointer
 * in syscall_user_sp (SYSENTER has none to park) and loads the one that an interrupt would have
 * loaded: RSP0 or ESP0 of the one CPU that runs ring 3.  No register is free, and none is changed.
 */
    .macro syscall_stack
#ifdef __x86_64__
    mov   %rsp, syscall_user_sp(%rip)
    mov   cpus + CPU_TSS_SP0(%rip), %rsp
#else
    mov   %ss:cpus + CPU_TSS_SP0, %esp
#endif
    .endm

/* push_user_sp: pushes what syscall_stack parked (64 bits). */
    .macro push_user_sp
    push  syscall_user_sp(%rip)
    .endm

#endif
#endif
