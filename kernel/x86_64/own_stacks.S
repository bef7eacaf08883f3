/*
 * own_stacks.S: vectors that the CPU takes on a stack of their own (IST).
 *
 *      own_top      the CPU's struct cpu, put there by stacks_init()
 *      own_top -  8 SS        the hardware's frame
 *      own_top - 40 RIP
 *      own_top - 48 error     the stub's
 *      own_top - 56 vector    <- RSP
 */
#include "offsets.h"

#define FRAME_WORDS 7
#define CPU_WORD    (8 * FRAME_WORDS)

    .text

/* Nothing can go on from these two: report, from a stack that is known to be good. */
    .globl double_fault_entry, machine_check_entry
double_fault_entry:
machine_check_entry:
fatal:
    .irp register, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
    push  %\register
    .endr
    cld
    mov   %rsp, %rdi
    call  own_fatal               /* void own_fatal(const struct regs *); does not return */

/*
 * A debug exception of ring 3 is an ordinary trap of its thread, so its frame moves to where the
 * hardware would have put it: below RSP0.  One of the kernel is fatal: ring 3 cannot cause it,
 * since SYSCALL clears TF.
 */
    .globl debug_entry
debug_entry:
    testb $3, 8 * 3(%rsp)         /* CS */
    jz    fatal
    push  %rcx
    push  %rax
    push  %rdx
    mov   CPU_WORD + 24(%rsp), %rax
    mov   CPU_TSS_SP0(%rax), %rax
    sub   $8 * FRAME_WORDS, %rax
    xor   %ecx, %ecx
1:  mov   24(%rsp, %rcx, 8), %rdx
    mov   %rdx, (%rax, %rcx, 8)
    inc   %ecx
    cmp   $FRAME_WORDS, %ecx
    jb    1b
    mov   %rax, 24(%rsp)          /* the vector's slot, already copied, holds the new RSP */
    pop   %rdx
    pop   %rax
    pop   %rcx
    mov   (%rsp), %rsp
    jmp   trap_common
