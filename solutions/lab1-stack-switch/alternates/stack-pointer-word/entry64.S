/*
 * entry64.S: the ways into the kernel in 64 bits, with the thread found on top of the stack.
 *
 * At intr_common and trap_common, come from ring 3:        come from ring 0:
 *
 *      the thread's struct regs *                            whatever the kernel had there
 *      (not used)     <- RSP0                                (up to 8 bytes of padding)
 *      SS                                                    SS
 *      RSP                                                   RSP
 *      RFLAGS                                                RFLAGS
 *      CS                                                    CS
 *      RIP                                                   RIP
 *      error                                                 error
 *      vector         <- RSP                                 vector  <- RSP
 *
 * Interrupts are off.  All general registers, DF and AC are still the interrupted code's.
 */
#include "gs.h"
#include "lab1_offsets.h"
#include "layout.h"
#include "offsets.h"

/* Where CS is before the registers are saved. */
#define FRAME_CS (REGS_CS - REGS_VECTOR)

/* From ring 3: everything goes to the thread.  After it RAX is its struct regs, RSP is RSP0. */
    .macro save_to_thread
    /* 1. One register free, and the pointer in it. */
    push  %rax
    mov   8 + FRAME_SIZE + TOP_REGS(%rsp), %rax
    /* 2. The others. */
    mov   %r15, REGS_R15(%rax)
    mov   %r14, REGS_R14(%rax)
    mov   %r13, REGS_R13(%rax)
    mov   %r12, REGS_R12(%rax)
    mov   %rbp, REGS_RBP(%rax)
    mov   %rbx, REGS_RBX(%rax)
    mov   %r11, REGS_R11(%rax)
    mov   %r10, REGS_R10(%rax)
    mov   %r9,  REGS_R9(%rax)
    mov   %r8,  REGS_R8(%rax)
    mov   %rcx, REGS_RCX(%rax)
    mov   %rdx, REGS_RDX(%rax)
    mov   %rsi, REGS_RSI(%rax)
    mov   %rdi, REGS_RDI(%rax)
    /* 3. What was pushed, off the stack. */
    popq  REGS_RAX(%rax)
    popq  REGS_VECTOR(%rax)
    popq  REGS_ERROR(%rax)
    popq  REGS_IP(%rax)
    popq  REGS_CS(%rax)
    popq  REGS_FLAGS(%rax)
    popq  REGS_SP(%rax)
    popq  REGS_SS(%rax)
    .endm

/* From ring 0: completes struct regs below the stub's two words. */
    .macro save_to_stack
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

    .text

/* void intr_common(void): a device interrupt. */
    .globl intr_common
intr_common:
    cld
    testb $3, FRAME_CS(%rsp)
    jz    intr_kernel
    save_to_thread
    gs_enter %rax
    mov   %rax, %rdi
    call  kintr
    jmp   ret_to_user

intr_kernel:
    save_to_stack
    gs_enter
    mov   %rsp, %rdi
    call  kintr
    jmp   leave_kernel

/* void trap_common(void): a fault, a trap, a system call. */
    .globl trap_common
trap_common:
    cld
    testb $3, FRAME_CS(%rsp)
    jz    trap_kernel
    save_to_thread
    mov   %cr2, %rsi
    gs_enter %rax
    mov   %rax, %rdi
    call  ktrap
    jmp   ret_to_user

trap_kernel:
    save_to_stack
    mov   %cr2, %rsi
    gs_enter
    mov   %rsp, %rdi
    call  ktrap

/* Back to interrupted kernel code: IRET restores RIP, CS, RFLAGS, RSP, SS together. */
leave_kernel:
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
    gs_exit
    iretq

/* void syscall_entry(void): SYSCALL (bonus).  RCX is the user's RIP, R11 its RFLAGS. */
    .globl syscall_entry
syscall_entry:
    syscall_stack                     /* RSP is RSP0 */
    pushq $USER_DS
    push_user_sp
    push  %r11
    pushq $USER_CS
    push  %rcx
    pushq $0
    pushq $VECTOR_SYSCALL
    save_to_thread
    mov   %rax, %rdi
    call  ksyscall
    jmp   ret_to_user
