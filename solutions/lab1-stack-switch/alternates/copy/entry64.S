/*
 * entry64.S: the ways into the kernel in 64 bits, with the registers on the kernel stack first.
 *
 *      kstack_top     from ring 3; from ring 0 whatever the kernel had there
 *      SS
 *      RSP
 *      RFLAGS
 *      CS
 *      RIP
 *      error
 *      vector         <- RSP at intr_common and trap_common, always on the kernel stack
 *
 * Interrupts are off.  All general registers, DF and AC are still the interrupted code's.
 */
#include "gs.h"
#include "layout.h"
#include "offsets.h"

/* Completes struct regs below the stub's two words. */
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
    cld
    .endm

    .text

/* void intr_common(void): a device interrupt. */
    .globl intr_common
intr_common:
    save_regs
    testb $3, REGS_CS(%rsp)
    jz    intr_kernel
    gs_enter
    mov   %rsp, %rdi
    call  regs_to_thread              /* what is on the stack is a husk now */
    mov   %rax, %rdi
    call  kintr
    jmp   ret_to_user

/* The kernel was interrupted: the registers stay on its stack. */
intr_kernel:
    gs_enter
    mov   %rsp, %rdi
    call  kintr
    jmp   leave_kernel

/* void trap_common(void): a fault, a trap, a system call.  RBX is C's to keep: CR2 waits there. */
    .globl trap_common
trap_common:
    save_regs
    mov   %cr2, %rbx
    testb $3, REGS_CS(%rsp)
    jz    trap_kernel
    gs_enter
    mov   %rsp, %rdi
    call  regs_to_thread
    mov   %rax, %rdi
    mov   %rbx, %rsi
    call  ktrap
    jmp   ret_to_user

trap_kernel:
    gs_enter
    mov   %rsp, %rdi
    mov   %rbx, %rsi
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
    syscall_stack                     /* RSP is kstack_top */
    pushq $USER_DS
    push_user_sp
    push  %r11
    pushq $USER_CS
    push  %rcx
    pushq $0
    pushq $VECTOR_SYSCALL
    save_regs
    mov   %rsp, %rdi
    call  regs_to_thread
    mov   %rax, %rdi
    call  ksyscall
    jmp   ret_to_user
