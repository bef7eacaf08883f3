/*
 * entry32.S: the ways into the kernel in 32 bits, with the thread found on top of the stack.
 *
 * At intr_common and trap_common, come from ring 3:        come from ring 0:
 *
 *      the thread's struct regs *   <- ESP0
 *      GS FS DS ES    only from virtual-8086 mode
 *      SS
 *      ESP                                                   whatever the kernel had there
 *      EFLAGS                                                EFLAGS
 *      CS                                                    CS
 *      EIP                                                   EIP
 *      error                                                 error
 *      vector         <- ESP                                 vector  <- ESP
 *
 * Interrupts are off.  All general registers, the data segments and DF are still the interrupted
 * code's, so that until DS is the kernel's only SS reaches memory.  The kernel does not use FS, GS.
 */
#include "gs.h"
#include "lab1_offsets.h"
#include "layout.h"
#include "offsets.h"

/* Where these are before the registers are saved. */
#define FRAME_CS    (REGS_CS - REGS_VECTOR)
#define FRAME_FLAGS (REGS_FLAGS - REGS_VECTOR)

/* Gives C the segments and DF it wants. */
    .macro kernel_segments
    mov   $KERNEL_DS, %ecx
    mov   %ecx, %ds
    mov   %ecx, %es
    cld
    .endm

/* From ring 3: everything goes to the thread.  After it EAX is its struct regs, ESP is ESP0. */
    .macro save_to_thread
    /* 1. One register free, and the pointer in it: four words higher for virtual-8086 mode. */
    push  %eax
    testl $EFLAGS_VM, 4 + FRAME_FLAGS(%esp)
    mov   4 + FRAME_SIZE + TOP_REGS(%esp), %eax
    jz    1f
    mov   4 + FRAME_SIZE + V86_SIZE + TOP_REGS(%esp), %eax
    /* 2. The segments, and one more register; then DS can be the kernel's. */
1:  mov   %gs, %ss:REGS_GS(%eax)
    mov   %fs, %ss:REGS_FS(%eax)
    mov   %es, %ss:REGS_ES(%eax)
    mov   %ds, %ss:REGS_DS(%eax)
    mov   %ecx, %ss:REGS_ECX(%eax)
    kernel_segments
    /* 3. The others. */
    mov   %edi, REGS_EDI(%eax)
    mov   %esi, REGS_ESI(%eax)
    mov   %ebp, REGS_EBP(%eax)
    mov   %ebx, REGS_EBX(%eax)
    mov   %edx, REGS_EDX(%eax)
    /* 4. What was pushed, off the stack. */
    popl  REGS_EAX(%eax)
    popl  REGS_VECTOR(%eax)
    popl  REGS_ERROR(%eax)
    popl  REGS_IP(%eax)
    popl  REGS_CS(%eax)
    popl  REGS_FLAGS(%eax)
    popl  REGS_SP(%eax)
    popl  REGS_SS(%eax)
    testl $EFLAGS_VM, REGS_FLAGS(%eax)
    jz    2f
    popl  REGS_SIZE(%eax)             /* struct v86_segments (bonus 1.9) */
    popl  REGS_SIZE + 4(%eax)
    popl  REGS_SIZE + 8(%eax)
    popl  REGS_SIZE + 12(%eax)
2:
    .endm

/* From ring 0: completes struct regs below the stub's two words. */
    .macro save_to_stack
    pusha
    push  %ds
    push  %es
    push  %fs
    push  %gs
    kernel_segments
    .endm

/* Goes to `kernel` if it was the kernel that was interrupted.  Changes no register. */
    .macro if_kernel kernel
    testl $EFLAGS_VM, FRAME_FLAGS(%esp)
    jnz   3f                          /* bonus 1.9: CS is not a selector */
    testb $3, FRAME_CS(%esp)
    jz    \kernel
3:
    .endm

    .text

/* void intr_common(void): a device interrupt. */
    .globl intr_common
intr_common:
    if_kernel intr_kernel
    save_to_thread
    gs_enter %eax
    push  %eax
    call  kintr
    jmp   ret_to_user

intr_kernel:
    save_to_stack
    gs_enter
    push  %esp
    call  kintr
    pop   %eax
    jmp   leave_kernel

/* void trap_common(void): a fault, a trap, a system call. */
    .globl trap_common
trap_common:
    if_kernel trap_kernel
    save_to_thread
    mov   %cr2, %edx
    gs_enter %eax
    push  %edx
    push  %eax
    call  ktrap
    jmp   ret_to_user

trap_kernel:
    save_to_stack
    mov   %cr2, %edx
    gs_enter
    mov   %esp, %eax
    push  %edx
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
    syscall_stack                     /* ESP is ESP0 */
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
    save_to_thread
    push  %eax
    call  ksyscall
    jmp   ret_to_user
