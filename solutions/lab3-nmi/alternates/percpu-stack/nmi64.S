/*
 * nmi64.S: NMIs and machine checks in 64 bits.  NMIs move to a stack of the lab's own.
 *
 *      own_top           this CPU's struct cpu
 *      own_top -   8     SS, RSP, RFLAGS, CS, RIP, error, vector
 *      own_top -  56     <- RSP at nmi_entry
 *
 *      top of the large stack, or below what was interrupted
 *                        the same seven words, the general registers, C code
 */
#include "gs.h"
#include "lab3_offsets.h"
#include "offsets.h"

#define WORDS  7
#define PUSHED 32                     /* four registers on the hardware's stack */
#define CS     (PUSHED + 8 * 3)
#define RIP    (PUSHED + 8 * 2)
#define RSP    (PUSHED + 8 * 5)
#define CPU    (PUSHED + 8 * WORDS)

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
 * void nmi_entry(void): see nmi.h.
 *
 * Where to?  Come from ring 3: to the top.  Come from the kernel: below RSP if a handler is on the
 * large stack, and that is so if the depth is not 0, or 0 since the last instruction but one.  The
 * saved RSP alone would prove nothing: SYSCALL leaves it as ring 3 chose it.
 */
    .globl nmi_entry
nmi_entry:
    push  %rax
    push  %rbx
    push  %rcx
    push  %rdx
    mov   CPU(%rsp), %rbx             /* nothing else says which CPU this is */
    mov   CPU_NMI_TOP(%rbx), %rax
    testb $3, CS(%rsp)
    jnz   2f
    cmpl  $0, CPU_NMI_DEPTH(%rbx)
    jne   1f
    cmpq  $nmi_window, RIP(%rsp)
    je    1f
    cmpq  $nmi_iret, RIP(%rsp)
    jne   2f
1:  mov   RSP(%rsp), %rax
    and   $-16, %rax
2:  incl  CPU_NMI_DEPTH(%rbx)
    sub   $8, %rax                    /* the depth's address, at a multiple of 16 less 8 */
    lea   CPU_NMI_DEPTH(%rbx), %rdx
    mov   %rdx, (%rax)
    sub   $8, %rax
    mov   $WORDS, %ecx
3:  sub   $8, %rax
    mov   PUSHED - 8(%rsp, %rcx, 8), %rdx
    mov   %rdx, (%rax)
    dec   %ecx
    jnz   3b
    mov   %rax, PUSHED(%rsp)          /* the vector's place: it has moved */
    pop   %rdx
    pop   %rcx
    pop   %rbx
    pop   %rax
    mov   (%rsp), %rsp
    save_regs
    call_safely knmi
    restore_regs
    push  %rax
    mov   8 * 7(%rsp), %rax           /* the depth's address, above frame and padding */
    decl  (%rax)
nmi_window:
    pop   %rax
nmi_iret:
    iretq

/* void mc_entry(void): a second one before the first has ended stops the CPU (SDM 3B 16.8). */
    .globl mc_entry
mc_entry:
    save_regs
    call_safely kmce
    restore_regs
    iretq
