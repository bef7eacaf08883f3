/*
 * entry32.S: exercises 1.2, 1.3, 1.5 and the bonus: the ways into the kernel in 32 bits.
 *
 * At intr_common and trap_common, come from ring 3:        come from ring 0:
 *
 *      kstack         the word beside the save area
 *      SS             <- ESP0 pointed above this
 *      ESP                                                   whatever the kernel had there
 *      EFLAGS                                                EFLAGS
 *      CS                                                    CS
 *      EIP                                                   EIP
 *      error                                                 error
 *      vector         <- ESP, in the thread's area           vector  <- ESP, on the kernel stack
 *
 * Interrupts are off.  All general registers, the data segments and DF are still the interrupted
 * code's.  The kernel does not use FS and GS.
 */
#include "gs.h"
#include "hole.h"
#include "lab1_offsets.h"
#include "layout.h"
#include "offsets.h"

    /* BEGIN 1.2 */
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
    /* INSTEAD 1.2 */
    //| /* save_regs: completes struct regs (regs.h) below the stub's two words. */
    //|     .macro save_regs
    //|     .endm
    /* END 1.2 */

    .text

/*
 * void intr_common(void): a device interrupt.
 *
 * After: kintr(regs) was called on this CPU's kernel stack with DF clear and KERNEL_DS in DS and ES;
 * from ring 3 it goes on in ret_to_user(), from ring 0 in intr_kernel.  Free registers: none before
 * they are saved, then all.
 */
    .globl intr_common
intr_common:
    /* BEGIN 1.2 */
    save_regs
    testl $EFLAGS_VM, REGS_FLAGS(%esp)
    jnz   intr_user                   /* bonus 1.9: CS is not a selector */
    testb $3, REGS_CS(%esp)
    jz    intr_kernel
intr_user:
    gs_enter
    mov   %esp, %eax                  /* regs: they stay in the thread's area */
    mov   LAB1_KSTACK(%esp), %esp     /* the top: nothing of ours is on it yet */
    push  %eax
    call  kintr
    jmp   ret_to_user
    /* INSTEAD 1.2 */
    //| /*
    //|  * 1. Save the general registers and the four data segment registers.
    //|  * 2. C code wants KERNEL_DS in DS and ES, and DF clear.
    //|  * 3. Ring 0 or ring 3?  The saved CS says it.  Ring 0: go to intr_kernel.
    //|  * 4. gs_enter.
    //|  * 5. Leave the save area for the kernel stack; kintr's argument is the saved registers.
    //|  * 6. Leave by ret_to_user().
    //|  */
    //|     HOLE("1.2", "save the registers, switch to the kernel stack, call kintr")
    /* END 1.2 */

/*
 * intr_kernel: the same when the kernel was interrupted.  The registers are saved, on the stack
 * that the kernel was using; below ESP it is free, above it is not.
 */
intr_kernel:
    /* BEGIN 1.5 */
    gs_enter
    push  %esp
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
    mov   %cr2, %edx
    testl $EFLAGS_VM, REGS_FLAGS(%esp)
    jnz   trap_user                   /* bonus 1.9 */
    testb $3, REGS_CS(%esp)
    jz    trap_kernel
trap_user:
    gs_enter
    mov   %esp, %eax
    mov   LAB1_KSTACK(%esp), %esp
    push  %edx
    push  %eax
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
    mov   %esp, %eax
    push  %edx
    push  %eax
    call  ktrap
    pop   %edx
    /* INSTEAD 1.5 */
    //|     HOLE("1.5", "call ktrap on the present stack and return to the kernel")
    /* END 1.5 */

    /* BEGIN 1.5 */
/* Back to interrupted kernel code; the argument is on the stack.  IRET takes EIP, CS, EFLAGS. */
leave_kernel:
    pop   %eax
    gs_exit
    pop   %gs
    pop   %fs
    pop   %es
    pop   %ds
    popa
    add   $REGS_IP - REGS_VECTOR, %esp
    iret
    /* INSTEAD 1.5 */
    /* END 1.5 */

/*
 * void syscall_entry(void): SYSENTER (bonus).  The hardware pushed nothing: by our convention ECX
 * is the user's ESP and EDX where it goes on; ESP is a few words for an emergency, IF is clear.
 */
    .globl syscall_entry
syscall_entry:
    /* BEGIN 1.8 */
    syscall_stack                     /* ESP is now what an interrupt would have loaded */
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
    mov   %esp, %eax
    mov   LAB1_KSTACK(%esp), %esp
    push  %eax
    call  ksyscall
    jmp   ret_to_user
    /* INSTEAD 1.8 */
    //| /*
    //|  * 1. syscall_stack, then build the frame that an interrupt would have left.
    //|  * 2. On as in trap_common, but call ksyscall(regs).
    //|  */
    //|     HOLE("1.8", "build a frame, save the registers, call ksyscall")
    /* END 1.8 */
