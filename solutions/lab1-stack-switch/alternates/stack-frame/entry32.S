/*
 * entry32.S: the ways into the kernel in 32 bits, with the registers on the kernel stack, to stay.
 *
 *      kstack_top     from ring 3                            from ring 0: whatever the kernel had
 *      GS FS DS ES    only from virtual-8086 mode
 *      SS
 *      ESP
 *      EFLAGS                                                EFLAGS
 *      CS                                                    CS
 *      EIP                                                   EIP
 *      error                                                 error
 *      vector         <- ESP                                 vector    <- ESP
 *
 * Interrupts are off.  All general registers, the data segments and DF are still the interrupted
 * code's.  The kernel does not use FS and GS.
 */
#include "gs.h"
#include "layout.h"
#include "offsets.h"

/* Completes struct regs below the stub's two words, and gives C the segments and DF it wants. */
    .macro save_regs
    pusha
    push  %ds
    push  %es
    push  %fs
    push  %gs
    mov   $KERNEL_DS, %eax
    mov   %eax, %ds
    mov   %eax, %es
    cld
    .endm

/* Goes to `kernel` if it was the kernel that was interrupted. */
    .macro if_kernel kernel
    testl $EFLAGS_VM, REGS_FLAGS(%esp)
    jnz   1f                          /* bonus 1.9: CS is not a selector */
    testb $3, REGS_CS(%esp)
    jz    \kernel
1:
    .endm

    .text

/* void intr_common(void): a device interrupt. */
    .globl intr_common
intr_common:
    save_regs
    if_kernel intr_kernel
    gs_enter
    push  %esp
    call  regs_on_stack               /* may change its argument: it is taken anew */
    lea   4(%esp), %eax
    push  %eax
    call  kintr
    jmp   ret_to_user

/* The kernel was interrupted: the registers stay on its stack. */
intr_kernel:
    gs_enter
    push  %esp
    call  kintr
    pop   %eax
    jmp   leave_kernel

/* void trap_common(void): a fault, a trap, a system call.  EBX is C's to keep: CR2 waits there. */
    .globl trap_common
trap_common:
    save_regs
    mov   %cr2, %ebx
    if_kernel trap_kernel
    gs_enter
    push  %esp
    call  regs_on_stack
    lea   4(%esp), %eax
    push  %ebx
    push  %eax
    call  ktrap
    jmp   ret_to_user

trap_kernel:
    gs_enter
    mov   %esp, %eax
    push  %ebx
    push  %eax
    call  ktrap
    add   $8, %esp

/* Back to interrupted kernel code.  IRET takes EIP, CS, EFLAGS. */
leave_kernel:
    gs_exit
    pop   %gs
    pop   %fs
    pop   %es
    pop   %ds
    popa
    add   $REGS_IP - REGS_VECTOR, %esp
    iret

/* void syscall_entry(void): SYSENTER (bonus).  ECX is the user's ESP, EDX where it goes on. */
    .globl syscall_entry
syscall_entry:
    syscall_stack                     /* ESP is kstack_top */
    push  $USER_DS
    push  %ecx
    pushf
    orl   $EFLAGS_IF, (%esp)
    push  $2                          /* SYSENTER leaves NT and DF: IRET with NT is a task return */
    popf
    push  $USER_CS
    push  %edx
    push  $0
    push  $VECTOR_SYSCALL
    save_regs
    push  %esp
    call  regs_on_stack
    lea   4(%esp), %eax
    push  %eax
    call  ksyscall
    jmp   ret_to_user
