/*
 * void reload_segments(void);
 */
#include "layout.h"

    .text
    .globl reload_segments
reload_segments:
    pop   %eax
    push  $KERNEL_CS
    push  %eax
    mov   $KERNEL_DS, %eax
    .irp segment, ds, es, ss
    mov   %eax, %\segment
    .endr
    xor   %eax, %eax
    mov   %eax, %fs
    mov   %eax, %gs
    lret
