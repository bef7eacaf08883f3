/*
 * fixup.c: the fault that repairs GS (32 bits), known by its instruction.
 */
#include "lab2.h"

#ifndef __x86_64__

#define LONGEST 15 /* bytes of an instruction (SDM 2A 2.3.11) */

/* Whether the instruction has a GS prefix; kernel code is mapped, so that it can be read. */
static bool goes_through_gs(const uint8_t *code)
{
    for (unsigned i = 0; i < LONGEST; i++) {
        switch (code[i]) {
        case 0x65:
            return true;
        case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: /* other segments */
        case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3: /* sizes, LOCK, REP */
            break;
        default:
            return false;
        }
    }
    return false;
}

#endif

/* gs_fixup(regs, cr2): see percpu.h. */
bool gs_fixup(struct regs *regs, uintptr_t cr2)
{
    (void)cr2;
#ifdef __x86_64__
    (void)regs;
#else
    if ((uint16_t)regs->gs != PERCPU_SEL && goes_through_gs((const uint8_t *)regs->ip)) {
        regs->gs = PERCPU_SEL;
        return true;
    }
#endif
    return false;
}
