/*
 * percpu_ops.h: fields of this CPU's struct cpu in one instruction each.
 *
 * 32 bits: first the pointer, then the field.  An interrupt between the two does no harm: a kernel
 * path stays on its CPU.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include <stddef.h>

#include "cpu.h"

#define PERCPU_TYPE(field) __typeof__(((struct cpu *)0)->field)

#ifdef __x86_64__
#define PERCPU_PLACE(field)   "%%gs:%c[place]"
#define PERCPU_OPERAND(field) [place] "i"(offsetof(struct cpu, field))
#else
#define PERCPU_PLACE(field)   "%c[place](%[cpu])"
#define PERCPU_OPERAND(field) [place] "i"(offsetof(struct cpu, field)), [cpu] "r"(this_cpu())
#endif

#define PERCPU_ACCESS(insn1, insn2, insn4, insn8, operand, field)                             \
    do {                                                                                      \
        switch (sizeof(PERCPU_TYPE(field))) {                                                 \
        case 1: PERCPU_ASM(insn1, operand, field, uint8_t); break;                            \
        case 2: PERCPU_ASM(insn2, operand, field, uint16_t); break;                           \
        case 4: PERCPU_ASM(insn4, operand, field, uint32_t); break;                           \
        default: PERCPU_ASM(insn8, operand, field, uintptr_t); break;                         \
        }                                                                                     \
    } while (0)
#define PERCPU_ASM(insn, operand, field, type)                                                \
    __asm__ volatile(insn " %[value], " PERCPU_PLACE(field)                                   \
                     :                                                                        \
                     : [value] "q"((type)(operand)), PERCPU_OPERAND(field)                    \
                     : "memory", "cc")

#define percpu_write(field, value)  PERCPU_ACCESS("movb", "movw", "movl", "mov", value, field)
#define percpu_add(field, number)   PERCPU_ACCESS("addb", "addw", "addl", "add", number, field)

#define percpu_read(field)                                                                    \
    ({                                                                                        \
        PERCPU_TYPE(field) percpu_value;                                                      \
        __asm__ volatile("mov " PERCPU_PLACE(field) ", %[value]"                              \
                         : [value] "=q"(percpu_value)                                         \
                         : PERCPU_OPERAND(field)                                              \
                         : "memory");                                                         \
        percpu_value;                                                                         \
    })

#endif
