/*
 * long syscall3(long number, unsigned long a, unsigned long b, unsigned long c);
 *
 *     in C            rdi      rsi   rdx   rcx
 *     in the kernel   rax      rdi   rsi   rdx
 */
        .text
        .globl syscall3
        .type syscall3, @function
syscall3:
        mov     %rdi, %rax
        mov     %rsi, %rdi
        mov     %rdx, %rsi
        mov     %rcx, %rdx
        int     $0x80
        ret
        .size syscall3, . - syscall3

        .section .note.GNU-stack, "", @progbits
