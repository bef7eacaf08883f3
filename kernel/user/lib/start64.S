/*
 * void _start(void): the first instruction of a program, x86_64.
 *
 * It trusts the kernel with two registers only: RIP, and an RSP with room below it. All
 * others may hold anything (zero, if the kernel is careful not to show its own values).
 */
#include "sysnum.h"

        .text
        .globl _start
        .type _start, @function
_start:
        /* 1. Compiled code expects upward string instructions and an aligned stack. */
        cld
        and     $-16, %rsp

        /* 2. A frame pointer of 0 ends every backtrace here. */
        xor     %ebp, %ebp
        call    main

        /* 3. What main returned is the exit code. */
        movslq  %eax, %rdi
        mov     $SYS_EXIT, %eax
        int     $0x80

        /* 4. Nobody comes back from there; if somebody does, stop at once. */
        ud2
        .size _start, . - _start

        .section .note.GNU-stack, "", @progbits
