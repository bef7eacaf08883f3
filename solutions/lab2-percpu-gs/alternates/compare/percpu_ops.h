/*
 * percpu_ops.h: fields of this CPU's struct cpu in one instruction each, by inline functions.
 *
 * XCHG and XADD, which say what was there; nobody here asks for it.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include <stddef.h>

#include "cpu.h"

#define PERCPU_FUNCTIONS(bits, suffix)                                                        \
    static inline uint##bits##_t percpu_get##bits(uintptr_t at)                               \
    {                                                                                         \
        uint##bits##_t value;                                                                 \
        __asm__ volatile("mov" suffix " %%gs:(%1), %0" : "=q"(value) : "r"(at) : "memory");   \
        return value;                                                                         \
    }                                                                                         \
    static inline void percpu_set##bits(uintptr_t at, uint##bits##_t value)                   \
    {                                                                                         \
        __asm__ volatile("xchg" suffix " %0, %%gs:(%1)" : "+q"(value) : "r"(at) : "memory");  \
    }                                                                                         \
    static inline void percpu_more##bits(uintptr_t at, uint##bits##_t value)                  \
    {                                                                                         \
        __asm__ volatile("xadd" suffix " %0, %%gs:(%1)"                                       \
                         : "+q"(value) : "r"(at) : "memory", "cc");                           \
    }
PERCPU_FUNCTIONS(8, "b")
PERCPU_FUNCTIONS(16, "w")
PERCPU_FUNCTIONS(32, "l")
#ifdef __x86_64__
PERCPU_FUNCTIONS(64, "q")
#else
#define percpu_get64  percpu_get32 /* there are none */
#define percpu_set64  percpu_set32
#define percpu_more64 percpu_more32
#endif

#define PERCPU_TYPE(field)  __typeof__(((struct cpu *)0)->field)
#define PERCPU_PLACE(field) offsetof(struct cpu, field)
#define PERCPU_BY_SIZE(what, field, ...)                                                      \
    (sizeof(PERCPU_TYPE(field)) == 1   ? percpu_##what##8(__VA_ARGS__)                        \
     : sizeof(PERCPU_TYPE(field)) == 2 ? percpu_##what##16(__VA_ARGS__)                       \
     : sizeof(PERCPU_TYPE(field)) == 4 ? percpu_##what##32(__VA_ARGS__)                       \
                                       : percpu_##what##64(__VA_ARGS__))

#define percpu_read(field) \
    ((PERCPU_TYPE(field))(uintptr_t)PERCPU_BY_SIZE(get, field, PERCPU_PLACE(field)))
#define percpu_write(field, value) \
    PERCPU_BY_SIZE(set, field, PERCPU_PLACE(field), (PERCPU_TYPE(field))(value))
#define percpu_add(field, number) \
    PERCPU_BY_SIZE(more, field, PERCPU_PLACE(field), (PERCPU_TYPE(field))(number))

#endif
