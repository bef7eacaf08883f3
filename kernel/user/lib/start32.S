/*
 * void _start(void): the first instruction of a program, i386.
 *
 * It trusts the kernel with EIP, with an ESP that has room below it, and with flat data
 * segments in DS, ES and SS. The other registers may hold anything.
 */
#include "sysnum.h"

        .text
        .globl _start
        .type _start, @function
_start:
        /* 1. Compiled code expects upward string instructions and an aligned stack. */
        cld
        and     $-16, %esp

        /* 2. A frame pointer of 0 ends every backtrace here. */
        xor     %ebp, %ebp
        call    main

        /* 3. What main returned is the exit code. */
        mov     %eax, %ebx
        mov     $SYS_EXIT, %eax
        int     $0x80

        /* 4. Nobody comes back from there; if somebody does, stop at once. */
        ud2
        .size _start, . - _start

        .section .note.GNU-stack, "", @progbits
