/*
 * regs.h: the saved registers of whatever was interrupted, lowest address first.
 *
 * The order is what the stubs in vectors.S and the pushes of an entry path leave on a stack that
 * grows down: the hardware's frame is at the top.
 */
#ifndef CORRAL_REGS_H
#define CORRAL_REGS_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

#ifdef __x86_64__

struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;  /* pushed by the vector's stub */
    uint64_t error;   /* pushed by the CPU or, as 0, by the stub */
    uint64_t ip;      /* from here on the hardware's frame, always complete in 64 bits */
    uint64_t cs;
    uint64_t flags;
    uint64_t sp;
    uint64_t ss;
};

#else

struct regs {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax; /* in PUSHA's order */
    uint32_t vector;  /* pushed by the vector's stub */
    uint32_t error;   /* pushed by the CPU or, as 0, by the stub */
    uint32_t ip;      /* from here on the hardware's frame */
    uint32_t cs;
    uint32_t flags;
    uint32_t sp;      /* these two are there only if the CPU came from ring 3 */
    uint32_t ss;
};

/* What the hardware pushes first, above SS, if it came from virtual-8086 mode (SDM 3B 21.3.1). */
struct v86_segments {
    uint32_t es, ds, fs, gs;
};

#endif

/* True if these registers are ring 3's.  Any level, any CPU, an NMI too. */
static inline bool regs_from_user(const struct regs *regs)
{
#ifndef __x86_64__
    if (regs->flags & EFLAGS_VM) /* in virtual-8086 mode CS is not a selector */
        return true;
#endif
    return (regs->cs & 3) == 3;
}

/* The system call's number, its three arguments, its result: by name of their register. */
#ifdef __x86_64__
#define REGS_NUMBER(r) ((r)->rax)
#define REGS_ARG0(r)   ((r)->rdi)
#define REGS_ARG1(r)   ((r)->rsi)
#define REGS_ARG2(r)   ((r)->rdx)
#define REGS_RESULT(r) ((r)->rax)
#define REGS_FP(r)     ((r)->rbp)
#else
#define REGS_NUMBER(r) ((r)->eax)
#define REGS_ARG0(r)   ((r)->ebx)
#define REGS_ARG1(r)   ((r)->ecx)
#define REGS_ARG2(r)   ((r)->edx)
#define REGS_RESULT(r) ((r)->eax)
#define REGS_FP(r)     ((r)->ebp)
#endif

#endif
