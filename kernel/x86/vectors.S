/*
 * vectors.S: one stub for each of the 256 vectors, and the table of their addresses.
 *
 * A stub makes every frame alike and says which vector it is:
 *
 *      the hardware's frame        SS, SP (if there), FLAGS, CS, IP
 *      error code                  the CPU's, or 0
 *      vector                      <- SP at intr_common and trap_common
 *
 * Faults, traps and system calls go to trap_common, interrupts to intr_common.  The vectors with a
 * stack of their own go elsewhere: see own_stacks.S and nmi.h.
 */
#include "layout.h"

#ifdef __x86_64__
#define PUSH pushq
#define WORD .quad
#else
#define PUSH pushl
#define WORD .long
#endif

/* The vectors for which the CPU pushes an error code (SDM 3A 6.3.1). */
#define HAS_ERROR_CODE(v) \
    (v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30)

    .text
    .altmacro
    .macro stub vector
stub_\vector:
    .if !(HAS_ERROR_CODE(\vector))
    PUSH  $0
    .endif
    PUSH  $\vector
    .if \vector == VECTOR_DEBUG
    jmp   debug_entry
    .elseif \vector == VECTOR_NMI
    jmp   nmi_entry
    .elseif \vector == VECTOR_DF
    jmp   double_fault_entry
    .elseif \vector == VECTOR_MC
    jmp   mc_entry
    .elseif \vector < 32 || \vector == VECTOR_SYSCALL
    jmp   trap_common
    .else
    jmp   intr_common
    .endif
    .pushsection .rodata
    WORD  stub_\vector
    .popsection
    .endm

    .pushsection .rodata
    .balign 8
    .globl vector_stubs
vector_stubs:
    .popsection

    .set  i, 0
    .rept 256
    stub  %i
    .set  i, i + 1
    .endr
