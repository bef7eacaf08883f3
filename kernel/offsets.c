/*
 * offsets.c: makes offsets.h, so that assembly never repeats what a struct says.
 *
 * This file is compiled, not linked: each line becomes "OFFSET name value" in the compiler's output.
 */
#include <stddef.h>

#include "cpu.h"
#include "regs.h"

#define OFFSET(name, value) __asm__ volatile("# OFFSET " #name " %0" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(REGS_SIZE, sizeof(struct regs));
    OFFSET(REGS_VECTOR, offsetof(struct regs, vector));
    OFFSET(REGS_ERROR, offsetof(struct regs, error));
    OFFSET(REGS_IP, offsetof(struct regs, ip));
    OFFSET(REGS_CS, offsetof(struct regs, cs));
    OFFSET(REGS_FLAGS, offsetof(struct regs, flags));
    OFFSET(REGS_SP, offsetof(struct regs, sp));
    OFFSET(REGS_SS, offsetof(struct regs, ss));
#ifdef __x86_64__
    OFFSET(REGS_R15, offsetof(struct regs, r15));
    OFFSET(REGS_R14, offsetof(struct regs, r14));
    OFFSET(REGS_R13, offsetof(struct regs, r13));
    OFFSET(REGS_R12, offsetof(struct regs, r12));
    OFFSET(REGS_R11, offsetof(struct regs, r11));
    OFFSET(REGS_R10, offsetof(struct regs, r10));
    OFFSET(REGS_R9, offsetof(struct regs, r9));
    OFFSET(REGS_R8, offsetof(struct regs, r8));
    OFFSET(REGS_RBP, offsetof(struct regs, rbp));
    OFFSET(REGS_RBX, offsetof(struct regs, rbx));
    OFFSET(REGS_RAX, offsetof(struct regs, rax));
    OFFSET(REGS_RCX, offsetof(struct regs, rcx));
    OFFSET(REGS_RDX, offsetof(struct regs, rdx));
    OFFSET(REGS_RSI, offsetof(struct regs, rsi));
    OFFSET(REGS_RDI, offsetof(struct regs, rdi));
#else
    OFFSET(REGS_GS, offsetof(struct regs, gs));
    OFFSET(REGS_FS, offsetof(struct regs, fs));
    OFFSET(REGS_ES, offsetof(struct regs, es));
    OFFSET(REGS_DS, offsetof(struct regs, ds));
    OFFSET(REGS_EDI, offsetof(struct regs, edi));
    OFFSET(REGS_ESI, offsetof(struct regs, esi));
    OFFSET(REGS_EBP, offsetof(struct regs, ebp));
    OFFSET(REGS_EBX, offsetof(struct regs, ebx));
    OFFSET(REGS_EDX, offsetof(struct regs, edx));
    OFFSET(REGS_ECX, offsetof(struct regs, ecx));
    OFFSET(REGS_EAX, offsetof(struct regs, eax));
#endif
    OFFSET(CPU_SELF, offsetof(struct cpu, self));
    OFFSET(CPU_LAB2, offsetof(struct cpu, lab2.bytes));
    OFFSET(CPU_LAB3, offsetof(struct cpu, lab3.bytes));
#ifndef __x86_64__
    OFFSET(CPU_SYSENTER_TOP, offsetof(struct cpu, sysenter_stack) + SYSENTER_WORDS * 4);
#endif
    OFFSET(CPU_KSTACK_TOP, offsetof(struct cpu, kstack_top));
    OFFSET(CPU_TSS_SP0, offsetof(struct cpu, tss) + offsetof(struct tss, sp0));
}
