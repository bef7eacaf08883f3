/*
 * gs.h: GS on the ways into and out of the kernel.  Macros for assembly; percpu.h is their contract.
 *
 *                          64 bits                        32 bits
 *      in the kernel       GS base = this CPU             GS = PERCPU_SEL, or what ring 3 had
 *                          the other base = ring 3's      (then its first use faults)
 *      in ring 3           the other way round            GS = anything that ring 3 may load
 */
#ifndef CORRAL_GS_H
#define CORRAL_GS_H
#ifdef __ASSEMBLER__

#include "lab2_offsets.h"
#include "layout.h"
#include "offsets.h"

#ifdef __x86_64__

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

/* syscall_stack: the CPU uses no RSP1 of the TSS here, so ring 3's stack pointer waits there. */
    .macro syscall_stack
    swapgs
    mov   %rsp, %gs:CPU_USER_SP
    mov   %gs:CPU_TSS_SP0, %rsp
    .endm

    .macro push_user_sp
    push  %gs:CPU_USER_SP
    .endm

/*
 * gs_paranoid_enter: a base that is not this CPU's own is ring 3's, and then the other one is ours.  If
 * ring 3 has written our own address there, it does no harm to stay with it.
 * After: RBX = whether they were swapped.
 */
    .macro gs_paranoid_enter
    call  cpu_from_hw
    rdgsbase %rcx
    xor   %ebx, %ebx
    cmp   %rax, %rcx
    je    .Lours\@
    swapgs
    inc   %ebx
.Lours\@:
    .endm

    .macro gs_paranoid_exit
    test  %ebx, %ebx
    jz    .Lours\@
    swapgs
.Lours\@:
    .endm

#else

/* gs_enter, gs_exit: nothing.  A GS that is not the kernel's is repaired when it is used. */
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

/* gs_paranoid_enter: a repair would end in an IRET, and that lets the next NMI in.  So load it. */
    .macro gs_paranoid_enter
    mov   %gs, %ebx
    mov   %ss:user_gs, %gs
    .endm

    .macro gs_paranoid_exit
    mov   %ebx, %gs
    .endm

#endif
#endif
#endif
