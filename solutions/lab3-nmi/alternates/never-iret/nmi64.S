/*
 * nmi64.S: NMIs and machine checks in 64 bits, each on a stack of its own, never two at a time.
 *
 *      own_top           this CPU's struct cpu
 *      own_top -   8     SS, RSP, RFLAGS, CS, RIP, error, vector
 *                        the general registers, then C code
 *
 * Nothing in here may fault: its IRET would let the next NMI in, and that one starts at own_top too.
 */
#include "gs.h"
#include "offsets.h"

    .macro save_regs
    push  %rdi
    push  %rsi
    push  %rdx
    push  %rcx
    push  %rax
    push  %r8
    push  %r9
    push  %r10
    push  %r11
    push  %rbx
    push  %rbp
    push  %r12
    push  %r13
    push  %r14
    push  %r15
    .endm

    .macro restore_regs
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
    add   $REGS_IP - REGS_VECTOR, %rsp
    .endm

/* Calls a C function as C wants it; RSP is at a complete struct regs.  CR2 is kept. */
    .macro call_safely function
    cld
    mov   %rsp, %rbp
    mov   %cr2, %rax
    push  %rax
    push  %rax                        /* twice: RSP stays a multiple of 16 */
    gs_paranoid_enter
    mov   %rbp, %rdi
    call  \function
    gs_paranoid_exit
    pop   %rax
    pop   %rax
    mov   %rax, %cr2
    .endm

    .text

/* void nmi_entry(void): see nmi.h. */
    .globl nmi_entry
nmi_entry:
    save_regs
    call_safely knmi
    restore_regs
    iretq

/* void mc_entry(void): a second one before the first has ended stops the CPU (SDM 3B 16.8). */
    .globl mc_entry
mc_entry:
    save_regs
    call_safely kmce
    restore_regs
    iretq
