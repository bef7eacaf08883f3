/*
 * percpu_ops.h: exercise 2.2, fields of this CPU's struct cpu in one instruction.
 *
 * One instruction, because an interrupt can come between any two: it must find the field old or new,
 * and what it adds must not be lost.  LOCK is not needed, since no other CPU writes the field.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include <stddef.h>

#include "cpu.h"
#include "hole.h"

#define PERCPU_TYPE(field) __typeof__(((struct cpu *)0)->field)

/* BEGIN 2.2 */
/* One access with a register operand of the field's size; `%gs:%c1` is the field. */
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
    __asm__ volatile(insn " %0, %%gs:%c1"                                                     \
                     :                                                                        \
                     : "q"((type)(operand)), "i"(offsetof(struct cpu, field))                 \
                     : "memory", "cc")

#define percpu_write(field, value)  PERCPU_ACCESS("movb", "movw", "movl", "mov", value, field)
#define percpu_add(field, number)   PERCPU_ACCESS("addb", "addw", "addl", "add", number, field)

/* "mov" with a destination of the field's own type is the right width by itself. */
#define percpu_read(field)                                                                    \
    ({                                                                                        \
        PERCPU_TYPE(field) percpu_value;                                                      \
        __asm__ volatile("mov %%gs:%c1, %0"                                                   \
                         : "=q"(percpu_value)                                                 \
                         : "i"(offsetof(struct cpu, field))                                   \
                         : "memory");                                                         \
        percpu_value;                                                                         \
    })
/* INSTEAD 2.2 */
//| /* In inline assembly %gs:%c1 with "i"(offsetof(struct cpu, field)) is the field. */
//| static inline void percpu_hole(void)
//| {
//|     HOLE("2.2", "read, write and add to a field of this CPU in one instruction");
//| }
//| #define percpu_read(field)         ({ percpu_hole(); (PERCPU_TYPE(field))0; })
//| #define percpu_write(field, value) ({ percpu_hole(); (void)(value); })
//| #define percpu_add(field, number)  ({ percpu_hole(); (void)(number); })
/* END 2.2 */

#endif
