/*
 * nmi.S: stand-in for lab 3.  The NMI has a plain gate and stops the kernel.
 */
#include "offsets.h"
#include "gs.h"

    .text
    .globl nmi_entry
#ifdef __x86_64__
nmi_entry:
    sub   $REGS_VECTOR, %rsp      /* the registers stay as they are: only the frame is told */
    cld
    mov   %rsp, %rdi
    and   $-16, %rsp
    call  nmi_panic
#else
nmi_entry:
    sub   $REGS_VECTOR, %esp
    cld
    mov   %ss, %eax
    mov   %eax, %ds
    mov   %eax, %es
    push  %esp
    call  nmi_panic
#endif
