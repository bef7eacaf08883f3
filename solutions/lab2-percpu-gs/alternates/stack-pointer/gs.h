/*
 * gs.h: GS on the ways into and out of the kernel.  Macros for assembly;
 * percpu.h is their contract.
 *
 *                          64 bits                        32 bits
 *      in the kernel       GS base = this CPU             GS = whatever it was; not used
 *                          the other base = ring 3's
 *      in ring 3           the other way round            GS = anything that ring 3 may load
 */
#ifndef CORRAL_GS_H
#define CORRAL_GS_H
#ifdef __ASSEMBLER__

#include "lab2_offsets.h"
#include "layout.h"
#include "offsets.h"

#ifdef __x86_64__

#define MSR_GS_BASE 0xc0000101

/*
 * gs_enter: swaps if ring 3's GS is there.  The CPU has come from ring 3, or the kernel faulted at
 * the one instruction that it executes with ring 3's GS.
 */
    .macro gs_enter regs=%rsp
    testb $3, REGS_CS(\regs)
    jnz   .Lswap\@
    cmpq  $user_iret, REGS_IP(\regs)
    jne   .Lmine\@
.Lswap\@:
    swapgs
.Lmine\@:
    .endm

/* gs_exit: RSP is at the hardware's frame, so CS is one word above it. */
    .macro gs_exit
    testb $3, 8(%rsp)
    jz    .Lstay\@
    swapgs
.Lstay\@:
    .endm

/* syscall_stack: RSP is ring 3's and no register is free, but memory is, once GS is ours. */
    .macro syscall_stack
    swapgs
    mov   %rsp, %gs:CPU_USER_SP
    mov   %gs:CPU_TSS_SP0, %rsp
    .endm

    .macro push_user_sp
    push  %gs:CPU_USER_SP
    .endm

/*
 * gs_paranoid_enter: neither CS nor the base itself says whose base it is, since ring 3 can write any
 * base that it likes.  So keep it whatever it is, and put in the one that is surely ours.
 * After: RBX = the base that was there.
 */
    .macro gs_paranoid_enter
    mov   $MSR_GS_BASE, %ecx
    rdmsr
    mov   %rdx, %rbx
    shl   $32, %rbx
    or    %rax, %rbx
    call  cpu_from_hw
    mov   $MSR_GS_BASE, %ecx
    mov   %rax, %rdx
    shr   $32, %rdx
    wrmsr
    .endm

    .macro gs_paranoid_exit
    mov   $MSR_GS_BASE, %ecx
    mov   %ebx, %eax
    mov   %rbx, %rdx
    shr   $32, %rdx
    wrmsr
    .endm

#else

/* gs_enter, gs_exit: nothing.  Lab 1 saves and loads the selector. */
    .macro gs_enter regs=%esp
    .endm

    .macro gs_exit
    .endm

/*
 * syscall_stack: GS is ring 3's, and a fault here would find only SYSENTER_WORDS words of stack.  But
 * ESP is inside this CPU's struct cpu, and that is all we need.
 */
    .macro syscall_stack
    mov   CPU_TSS_SP0 - CPU_SYSENTER_TOP(%esp), %esp
    .endm

/* gs_paranoid_enter: for code that is promised %gs:0 in an NMI; this lab's needs it not. */
    .macro gs_paranoid_enter
    mov   %gs, %ebx
    mov   $PERCPU_SEL, %eax
    mov   %eax, %gs
    .endm

    .macro gs_paranoid_exit
    mov   %ebx, %gs
    .endm

#endif
#endif
#endif
