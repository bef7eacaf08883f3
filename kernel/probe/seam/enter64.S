/*
 * _Noreturn void probe_enter_user(const struct regs *regs);
 * uintptr_t probe_with_gs(uintptr_t gs, uintptr_t fn, uintptr_t arg);
 * uint32_t probe_gs_read32(uintptr_t offset);
 * void probe_gs_enter(void);
 * void probe_sled(void);
 */
#include "gs.h"
#include "offsets.h"

#define MSR_GS_BASE 0xc0000101

    .text
    .globl probe_enter_user
probe_enter_user:
    mov   %rdi, %rsp
    .irp register, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
    pop   %\register
    .endr
    add   $16, %rsp
    gs_exit
    iretq

/*
 * As between an entry and its SWAPGS: ring 3's base is in use, and the kernel's is the other one.
 * What was the other one is kept on the stack; fn may be stopped in its middle by the host.
 */
    .globl probe_with_gs
probe_with_gs:
    push  %rbp
    mov   %rsp, %rbp
    mov   %rdx, %r8
    swapgs
    mov   $MSR_GS_BASE, %ecx
    rdmsr
    push  %rax
    push  %rdx
    mov   %edi, %eax
    mov   %rdi, %rdx
    shr   $32, %rdx
    wrmsr
    mov   %r8, %rdi
    call  *%rsi
    mov   %rax, %rsi
    mov   $MSR_GS_BASE, %ecx
    pop   %rdx
    pop   %rax
    wrmsr
    swapgs
    mov   %rsi, %rax
    pop   %rbp
    ret

    .globl probe_gs_read32
probe_gs_read32:
    mov   %gs:(%rdi), %eax
    ret

/* gs_enter with a register that it is told; the host stops behind it. */
    .globl probe_gs_enter, probe_gs_entered
probe_gs_enter:
    nop                               /* gs_enter may be nothing, and the host stops twice */
    gs_enter %rbp
probe_gs_entered:
    ret

/* Every register but RSP keeps its value, so that the host can give them any. */
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
