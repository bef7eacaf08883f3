/*
 * entry64.S: exercises 1.2, 1.3, 1.5 and the bonus: the ways into the kernel in 64 bits.
 *
 * At intr_common and trap_common, come from ring 3:        come from ring 0:
 *
 *      kstack         the word beside the save area          whatever the kernel had there
 *      SS             <- RSP0 pointed above this             (up to 8 bytes of padding)
 *      RSP                                                   SS
 *      RFLAGS                                                RSP
 *      CS                                                    RFLAGS
 *      RIP                                                   CS
 *      error                                                 RIP
 *      vector         <- RSP, in the thread's area           error
 *                                                            vector  <- RSP, on the kernel stack
 *
 * Interrupts are off.  All general registers, DF and AC are still the interrupted code's.
 */
#include "gs.h"
#include "hole.h"
#include "lab1_offsets.h"
#include "layout.h"
#include "offsets.h"

    /* BEGIN 1.2 */
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
    .endm
    /* INSTEAD 1.2 */
    //| /* save_regs: completes struct regs (regs.h) below the stub's two words. */
    //|     .macro save_regs
    //|     .endm
    /* END 1.2 */

    .text

/*
 * void intr_common(void): a device interrupt.
 *
 * After: kintr(regs) was called on this CPU's kernel stack with DF clear; from ring 3 it goes on in
 * ret_to_user(), from ring 0 in intr_kernel.  Free registers: none before they are saved, then all.
 */
    .globl intr_common
intr_common:
    /* BEGIN 1.2 */
    save_regs
    cld
    testb $3, REGS_CS(%rsp)
    jz    intr_kernel
    gs_enter
    mov   %rsp, %rdi                  /* regs: they stay in the thread's area */
    mov   LAB1_KSTACK(%rsp), %rsp     /* the top: nothing of ours is on it yet */
    call  kintr
    jmp   ret_to_user
    /* INSTEAD 1.2 */
    //| /*
    //|  * 1. Save the general registers.
    //|  * 2. C code wants DF clear.
    //|  * 3. Ring 0 or ring 3?  The saved CS says it.  Ring 0: go to intr_kernel.
    //|  * 4. gs_enter.
    //|  * 5. Leave the save area for the kernel stack; kintr's argument is the saved registers.
    //|  * 6. Leave by ret_to_user().
    //|  */
    //|     HOLE("1.2", "save the registers, switch to the kernel stack, call kintr")
    /* END 1.2 */

/*
 * intr_kernel: the same when the kernel was interrupted.  The registers are saved, on the stack
 * that the kernel was using; below RSP it is free, above it is not.
 */
intr_kernel:
    /* BEGIN 1.5 */
    gs_enter
    mov   %rsp, %rdi
    call  kintr
    jmp   leave_kernel
    /* INSTEAD 1.5 */
    //| /* 1. gs_enter.  2. Call kintr where you are.  3. Go back to what was interrupted. */
    //|     HOLE("1.5", "call kintr on the present stack and return to the kernel")
    /* END 1.5 */

/*
 * void trap_common(void): a fault, a trap, a system call.
 *
 * After: ktrap(regs, cr2) was called as kintr is above.  CR2 is read before anything can fault.
 */
    .globl trap_common
trap_common:
    /* BEGIN 1.3 */
    save_regs
    cld
    mov   %cr2, %rsi
    testb $3, REGS_CS(%rsp)
    jz    trap_kernel
    gs_enter
    mov   %rsp, %rdi
    mov   LAB1_KSTACK(%rsp), %rsp
    call  ktrap
    jmp   ret_to_user
    /* INSTEAD 1.3 */
    //| /* As intr_common, with CR2 as the second argument, taken before another fault can come. */
    //|     HOLE("1.3", "save the registers and CR2, switch stacks, call ktrap")
    /* END 1.3 */

/* trap_kernel: the same when the kernel faulted; regs may have been changed by ktrap. */
trap_kernel:
    /* BEGIN 1.5 */
    gs_enter
    mov   %rsp, %rdi
    call  ktrap
    /* INSTEAD 1.5 */
    //|     HOLE("1.5", "call ktrap on the present stack and return to the kernel")
    /* END 1.5 */

    /* BEGIN 1.5 */
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
    /* INSTEAD 1.5 */
    /* END 1.5 */

/*
 * void syscall_entry(void): SYSCALL (bonus).  The hardware pushed nothing: RCX is the user's RIP,
 * R11 its RFLAGS, RSP still its own; IF, DF, TF, NT and AC are clear.
 */
    .globl syscall_entry
syscall_entry:
    /* BEGIN 1.8 */
    syscall_stack                     /* RSP is now what an interrupt would have loaded */
    pushq $USER_DS
    push_user_sp
    push  %r11
    pushq $USER_CS
    push  %rcx
    pushq $0
    pushq $VECTOR_SYSCALL
    save_regs
    mov   %rsp, %rdi
    mov   LAB1_KSTACK(%rsp), %rsp
    call  ksyscall
    jmp   ret_to_user
    /* INSTEAD 1.8 */
    //| /*
    //|  * 1. syscall_stack, then build the frame that an interrupt would have left.
    //|  * 2. On as in trap_common, but call ksyscall(regs).
    //|  */
    //|     HOLE("1.8", "build a frame, save the registers, call ksyscall")
    /* END 1.8 */
