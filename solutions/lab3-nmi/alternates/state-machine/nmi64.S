/*
 * nmi64.S: NMIs and machine checks in 64 bits.  One NMI handler at a time.
 *
 *      own_top           this CPU's struct cpu
 *      own_top -   8     SS, RSP, RFLAGS, CS, RIP, error, vector: also of one that goes straight back
 *      own_top -  56     <- RSP at nmi_entry, and two words below it
 *      own_top - COPY    the state, then the same seven words for good
 *                        the general registers, then C code
 */
#include "gs.h"
#include "lab3_offsets.h"
#include "offsets.h"

#define WORDS  7
#define PUSHED 16                     /* two registers */
#define COPY   128                    /* a multiple of 16 */
#define STATE  (PUSHED + 8 * WORDS - COPY)

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

/*
 * void nmi_entry(void): see nmi.h.  NMIs are blocked until the copy is made, and nothing faults.
 *
 * The state says whether the copy is in use, but for two instructions: from nmi_window to nmi_iret it
 * is, and the state may be "not running" already.
 */
    .globl nmi_entry
nmi_entry:
    push  %rax
    push  %rcx
    testb $3, PUSHED + 8 * 3(%rsp)    /* ring 3 was interrupted: no handler was */
    jnz   1f
    mov   PUSHED + 8 * 2(%rsp), %rax
    cmp   $nmi_window, %rax
    je    nmi_too_late
    cmp   $nmi_iret, %rax
    je    nmi_too_late
    cmpq  $NOT_RUNNING, STATE(%rsp)
    jne   nmi_running
1:  movq  $EXECUTING, STATE(%rsp)
    mov   $WORDS, %ecx
2:  mov   PUSHED - 8(%rsp, %rcx, 8), %rax
    mov   %rax, PUSHED - 8 - COPY(%rsp, %rcx, 8)
    dec   %ecx
    jnz   2b
    pop   %rcx
    pop   %rax
    sub   $COPY, %rsp
nmi_again:
    save_regs
    call_safely knmi
    restore_regs
    decq  8 * 5(%rsp)                 /* executing: not running.  Latched: executing, once more */
nmi_window:
    jnz   nmi_go_on
nmi_iret:
    iretq
nmi_go_on:
    sub   $REGS_IP - REGS_VECTOR, %rsp
    jmp   nmi_again

nmi_too_late:
    movq  $nmi_go_on, PUSHED + 8 * 2(%rsp)
    movq  $EXECUTING, STATE(%rsp)
    jmp   3f
nmi_running:
    movq  $LATCHED, STATE(%rsp)
3:  pop   %rcx
    pop   %rax
    add   $REGS_IP - REGS_VECTOR, %rsp
    iretq

/* void mc_entry(void): a second one before the first has ended stops the CPU (SDM 3B 16.8). */
    .globl mc_entry
mc_entry:
    save_regs
    call_safely kmce
    restore_regs
    iretq
