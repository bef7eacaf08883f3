/*
 * percpu_ops.h: fields of this CPU's struct cpu in one instruction each.
 *
 * To the compiler %gs:offset is an object in another address space; volatile makes each read and each
 * write one access.  An add would be allowed to be two, so that one is assembly.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include <stddef.h>

#include "cpu.h"

#ifdef __clang__
#define PERCPU_SPACE __attribute__((address_space(256)))
#else
#define PERCPU_SPACE __seg_gs
#endif
#define PERCPU_TYPE(field) __typeof__(((struct cpu *)0)->field)
#define PERCPU_FIELD(field) \
    (*(volatile PERCPU_TYPE(field) PERCPU_SPACE *)(uintptr_t)offsetof(struct cpu, field))

#define percpu_read(field)         ((PERCPU_TYPE(field))PERCPU_FIELD(field))
#define percpu_write(field, value) ((void)(PERCPU_FIELD(field) = (PERCPU_TYPE(field))(value)))

#define PERCPU_ADD(insn, field, number, type)                                                 \
    __asm__ volatile(insn " %0, %%gs:%c1"                                                     \
                     :                                                                        \
                     : "q"((type)(number)), "i"(offsetof(struct cpu, field))                  \
                     : "memory", "cc")
#define percpu_add(field, number)                                                             \
    do {                                                                                      \
        switch (sizeof(PERCPU_TYPE(field))) {                                                 \
        case 1: PERCPU_ADD("addb", field, number, uint8_t); break;                            \
        case 2: PERCPU_ADD("addw", field, number, uint16_t); break;                           \
        case 4: PERCPU_ADD("addl", field, number, uint32_t); break;                           \
        default: PERCPU_ADD("add", field, number, uintptr_t); break;                          \
        }                                                                                     \
    } while (0)

#endif
