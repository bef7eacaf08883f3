/*
 * leave32.S: exercise 1.4, the assembly part: the way back to ring 3 in 32 bits.
 */
#include "gs.h"
#include "hole.h"
#include "layout.h"
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
    mov   4(%esp), %eax
    testl $EFLAGS_VM, REGS_FLAGS(%eax)
    jz    1f
    call  v86_frame                   /* bonus 1.9 */
1:  push  REGS_SS(%eax)
    push  REGS_SP(%eax)
    push  REGS_FLAGS(%eax)
    push  REGS_CS(%eax)
    push  REGS_IP(%eax)
    mov   REGS_EDI(%eax), %edi
    mov   REGS_ESI(%eax), %esi
    mov   REGS_EBP(%eax), %ebp
    mov   REGS_EBX(%eax), %ebx
    mov   REGS_EDX(%eax), %edx
    mov   REGS_ECX(%eax), %ecx
    gs_exit
    mov   REGS_GS(%eax), %gs
    mov   REGS_FS(%eax), %fs
    mov   REGS_ES(%eax), %es
    push  REGS_DS(%eax)
    mov   REGS_EAX(%eax), %eax        /* the last one, since it was the pointer */
    pop   %ds                         /* from here on only the stack can be reached */
user_iret:
    iret
    /* INSTEAD 1.4 */
    //| /*
    //|  * 1. Put SS, ESP, EFLAGS, CS, EIP on the stack for IRET.
    //|  * 2. Load the general registers and the data segments; think about which of them you need
    //|  *    to reach the others.
    //|  * 3. gs_exit, then IRET at the label user_iret.
    //|  */
    //|     HOLE("1.4", "load every register and return to ring 3")
    //| user_iret:
    //|     iret
    /* END 1.4 */
