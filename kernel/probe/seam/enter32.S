/*
 * _Noreturn void probe_enter_user(const struct regs *regs);
 * uintptr_t probe_with_gs(uintptr_t gs, uintptr_t fn, uintptr_t arg);
 * uint32_t probe_gs_read32(uintptr_t offset);
 * void probe_gs_enter(void);
 * void probe_sled(void);
 */
#include "gs.h"

    .text
    .globl probe_enter_user
probe_enter_user:
    mov   4(%esp), %esp
    gs_exit
    .irp segment, gs, fs, es, ds
    pop   %\segment
    .endr
    popa
    add   $8, %esp
    iret

    .globl probe_with_gs
probe_with_gs:
    push  %ebp
    mov   %esp, %ebp
    push  %gs
    mov   8(%ebp), %eax
    mov   %eax, %gs
    push  16(%ebp)
    call  *12(%ebp)
    add   $4, %esp
    pop   %gs
    pop   %ebp
    ret

    .globl probe_gs_read32
probe_gs_read32:
    mov   4(%esp), %eax
    mov   %gs:(%eax), %eax
    ret

/* gs_enter with a register that it is told; the host stops behind it. */
    .globl probe_gs_enter, probe_gs_entered
probe_gs_enter:
    nop                               /* gs_enter may be nothing, and the host stops twice */
    gs_enter %ebp
probe_gs_entered:
    ret

/* Every register but ESP keeps its value, so that the host can give them any. */
    .globl probe_sled, probe_sled_end
probe_sled:
    .rept 16
    nop
    .endr
probe_sled_end:
    ret

/* A machine check by software: it takes the same gate. */
    .globl probe_int18, probe_int18_next
probe_int18:
    int   $18
probe_int18_next:
    nop
    ret
