/*
 * void reload_segments(void);
 */
#include "layout.h"

    .text
    .globl reload_segments
reload_segments:
    pop   %rax
    pushq $KERNEL_CS
    push  %rax
    mov   $KERNEL_DS, %eax
    .irp segment, ds, es, ss
    mov   %eax, %\segment
    .endr
    xor   %eax, %eax
    mov   %eax, %fs
    mov   %eax, %gs
    lretq
