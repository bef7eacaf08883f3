/*
 * leave64.S: exercise 1.4, the assembly part: the way back to ring 3 in 64 bits.
 */
#include "gs.h"
#include "hole.h"
#include "offsets.h"

    .text

/*
 * void user_resume(const struct regs *regs);
 *
 * Before: interrupts off, on the kernel stack.  After: ring 3, with exactly these registers.
 * The frame for IRET is copied to the kernel stack, so that a fault of IRET finds a kernel stack
 * under it and the thread's saved registers untouched.
 */
    .globl user_resume, user_iret
user_resume:
    /* BEGIN 1.4 */
    pushq REGS_SS(%rdi)
    pushq REGS_SP(%rdi)
    pushq REGS_FLAGS(%rdi)
    pushq REGS_CS(%rdi)
    pushq REGS_IP(%rdi)
    mov   REGS_R15(%rdi), %r15
    mov   REGS_R14(%rdi), %r14
    mov   REGS_R13(%rdi), %r13
    mov   REGS_R12(%rdi), %r12
    mov   REGS_RBP(%rdi), %rbp
    mov   REGS_RBX(%rdi), %rbx
    mov   REGS_R11(%rdi), %r11
    mov   REGS_R10(%rdi), %r10
    mov   REGS_R9(%rdi), %r9
    mov   REGS_R8(%rdi), %r8
    mov   REGS_RAX(%rdi), %rax
    mov   REGS_RCX(%rdi), %rcx
    mov   REGS_RDX(%rdi), %rdx
    mov   REGS_RSI(%rdi), %rsi
    mov   REGS_RDI(%rdi), %rdi        /* the last one, since it was the pointer */
    gs_exit
user_iret:
    iretq
    /* INSTEAD 1.4 */
    //| /*
    //|  * 1. Put SS, RSP, RFLAGS, CS, RIP on the stack for IRET.
    //|  * 2. Load the fifteen general registers; the one that points at regs comes last.
    //|  * 3. gs_exit, then IRET at the label user_iret.
    //|  */
    //|     HOLE("1.4", "load every register and return to ring 3")
    //| user_iret:
    //|     iretq
    /* END 1.4 */
