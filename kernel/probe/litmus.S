/*
 * litmus.S: short pieces of code in which two to four CPUs read and write x and y, to see in what
 * order memory shows it.  The host calls one on each CPU:
 *
 *     void litmus_sb0(void);     and so on, all alike
 *
 * They change EAX, ECX and EDX only.  Values are in registers before the first access, and what was
 * read goes to probe_r[] at the end.  x, y and the results are in cache lines of their own.
 *
 *   sb     x=1; r0=y          y=1; r1=x                          store buffer: both may read 0
 *   rfi    x=1; r0=x; r1=y    y=1; r2=y; r3=x                    a CPU sees its own buffer early
 *   mp     x=1; y=1           r0=y; r1=x                         message passing
 *   lb     r0=y; x=1          r1=x; y=1                          load buffering
 *   iriw   x=1    y=1         r0=x; r1=y    r2=y; r3=x           independent readers of both
 *   2w     x=1; y=2           y=1; x=2                           two writers
 *
 * f: with MFENCE between, s: with SFENCE, l: with a LOCKed instruction, x: the store is an XCHG.
 */
#include "layout.h"

    .bss
    .balign 64
    .globl probe_x, probe_y, probe_r
probe_x:    .skip 64
probe_y:    .skip 64
probe_r:    .skip 64

#ifdef __x86_64__
#define LOCKED_ADD lock orl $0, (%rsp)
#else
#define LOCKED_ADD lock orl $0, (%esp)
#endif

    .macro function name
    .globl \name
    .type \name, @function
\name:
    .endm

/* STORE; between; LOAD: the value written is 1, what is read goes to result `to`. */
    .macro store_load name, store, load, to, between:vararg
    function \name
    mov   $1, %eax
    movl  %eax, \store
    \between
    movl  \load, %ecx
    movl  %ecx, probe_r + 4 * \to
    ret
    .endm

    .macro two_stores name, first, value1, second, value2, between:vararg
    function \name
    mov   $\value1, %eax
    mov   $\value2, %ecx
    movl  %eax, \first
    \between
    movl  %ecx, \second
    ret
    .endm

    .macro two_loads name, first, to1, second, to2, between:vararg
    function \name
    movl  \first, %eax
    \between
    movl  \second, %ecx
    movl  %eax, probe_r + 4 * \to1
    movl  %ecx, probe_r + 4 * \to2
    ret
    .endm

    .macro load_store name, load, to, store, between:vararg
    function \name
    mov   $1, %eax
    movl  \load, %ecx
    \between
    movl  %eax, \store
    movl  %ecx, probe_r + 4 * \to
    ret
    .endm

    .macro exchange_load name, store, load, to
    function \name
    mov   $1, %eax
    xchgl %eax, \store
    movl  \load, %ecx
    movl  %ecx, probe_r + 4 * \to
    ret
    .endm

    .macro own_and_other name, own, to1, other, to2
    function \name
    mov   $1, %eax
    movl  %eax, \own
    movl  \own, %ecx
    movl  \other, %edx
    movl  %ecx, probe_r + 4 * \to1
    movl  %edx, probe_r + 4 * \to2
    ret
    .endm

    .macro one_store name, store
    function \name
    mov   $1, %eax
    movl  %eax, \store
    ret
    .endm

    .text
    store_load    litmus_sb0,    probe_x, probe_y, 0
    store_load    litmus_sb1,    probe_y, probe_x, 1
    store_load    litmus_sbf0,   probe_x, probe_y, 0, mfence
    store_load    litmus_sbf1,   probe_y, probe_x, 1, mfence
    store_load    litmus_sbl0,   probe_x, probe_y, 0, LOCKED_ADD
    store_load    litmus_sbl1,   probe_y, probe_x, 1, LOCKED_ADD
    store_load    litmus_sbs0,   probe_x, probe_y, 0, sfence
    store_load    litmus_sbs1,   probe_y, probe_x, 1, sfence
    exchange_load litmus_sbx0,   probe_x, probe_y, 0
    exchange_load litmus_sbx1,   probe_y, probe_x, 1

    own_and_other litmus_rfi0,   probe_x, 0, probe_y, 1
    own_and_other litmus_rfi1,   probe_y, 2, probe_x, 3

    two_stores    litmus_mp0,    probe_x, 1, probe_y, 1
    two_loads     litmus_mp1,    probe_y, 0, probe_x, 1
    two_stores    litmus_mpf0,   probe_x, 1, probe_y, 1, mfence
    two_loads     litmus_mpf1,   probe_y, 0, probe_x, 1, mfence

    load_store    litmus_lb0,    probe_y, 0, probe_x
    load_store    litmus_lb1,    probe_x, 1, probe_y
    load_store    litmus_lbf0,   probe_y, 0, probe_x, mfence
    load_store    litmus_lbf1,   probe_x, 1, probe_y, mfence

    one_store     litmus_iriw0,  probe_x
    one_store     litmus_iriw1,  probe_y
    two_loads     litmus_iriw2,  probe_x, 0, probe_y, 1
    two_loads     litmus_iriw3,  probe_y, 2, probe_x, 3
    two_loads     litmus_iriwf2, probe_x, 0, probe_y, 1, mfence
    two_loads     litmus_iriwf3, probe_y, 2, probe_x, 3, mfence

    two_stores    litmus_2w0,    probe_x, 1, probe_y, 2
    two_stores    litmus_2w1,    probe_y, 1, probe_x, 2

    function litmus_inc
    incl  probe_x
    ret

    function litmus_lockinc
    lock incl probe_x
    ret
