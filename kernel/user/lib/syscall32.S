/*
 * long syscall3(long number, unsigned long a, unsigned long b, unsigned long c);
 *
 *     esp + 20  c          edx
 *     esp + 16  b          ecx
 *     esp + 12  a          ebx   (belongs to the caller: saved)
 *     esp +  8  number     eax
 *     esp +  4  return address
 *     esp       saved ebx
 */
        .text
        .globl syscall3
        .type syscall3, @function
syscall3:
        push    %ebx
        mov     8(%esp), %eax
        mov     12(%esp), %ebx
        mov     16(%esp), %ecx
        mov     20(%esp), %edx
        int     $0x80
        pop     %ebx
        ret
        .size syscall3, . - syscall3

        .section .note.GNU-stack, "", @progbits
