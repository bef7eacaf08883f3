/*
 * percpu_calls.c: the functions behind the percpu_ops.h beside this file.  Part of the compiled
 * reference only: macros would have to go along as source.
 */
#include <stdint.h>

uintptr_t percpu_call_read(uintptr_t offset, uintptr_t size);
void      percpu_call_write(uintptr_t offset, uintptr_t size, uintptr_t value);
void      percpu_call_add(uintptr_t offset, uintptr_t size, uintptr_t number);

uintptr_t percpu_call_read(uintptr_t offset, uintptr_t size)
{
    uint8_t   byte;
    uint16_t  half;
    uint32_t  word;
    uintptr_t whole;
    switch (size) {
    case 1: __asm__ volatile("movb %%gs:(%1), %0" : "=q"(byte) : "r"(offset) : "memory"); return byte;
    case 2: __asm__ volatile("movw %%gs:(%1), %0" : "=r"(half) : "r"(offset) : "memory"); return half;
    case 4: __asm__ volatile("movl %%gs:(%1), %0" : "=r"(word) : "r"(offset) : "memory"); return word;
    default: __asm__ volatile("mov %%gs:(%1), %0" : "=r"(whole) : "r"(offset) : "memory"); return whole;
    }
}

#define ONE_ACCESS(insn, offset, size, operand)                                                        \
    do {                                                                                               \
        switch (size) {                                                                                \
        case 1: ONE_INSN(insn "b", offset, (uint8_t)(operand)); break;                                 \
        case 2: ONE_INSN(insn "w", offset, (uint16_t)(operand)); break;                                \
        case 4: ONE_INSN(insn "l", offset, (uint32_t)(operand)); break;                                \
        default: ONE_INSN(insn, offset, operand); break;                                               \
        }                                                                                              \
    } while (0)
#define ONE_INSN(insn, offset, operand)                                                                \
    __asm__ volatile(insn " %0, %%gs:(%1)" : : "q"(operand), "r"(offset) : "memory", "cc")

void percpu_call_write(uintptr_t offset, uintptr_t size, uintptr_t value)
{
    ONE_ACCESS("mov", offset, size, value);
}

void percpu_call_add(uintptr_t offset, uintptr_t size, uintptr_t number)
{
    ONE_ACCESS("add", offset, size, number);
}
