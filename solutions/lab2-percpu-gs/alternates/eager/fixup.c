/*
 * fixup.c: the one way into the kernel without gs_enter, SYSENTER in 32 bits: the repair of GS.
 */
#include "lab2.h"

/*
 * gs_fixup(regs, cr2): see percpu.h.
 *
 * regs->gs is what GS was at the fault, and what it will be when regs are loaded again.  With the
 * kernel's selector there GS was not the reason, and retrying would never end.
 */
bool gs_fixup(struct regs *regs, uintptr_t cr2)
{
    (void)cr2;
#ifdef __x86_64__
    (void)regs; /* gs_enter has seen to it */
    return false;
#else
    bool mine = (uint16_t)regs->gs == PERCPU_SEL; /* then GS was not the reason */
    regs->gs = PERCPU_SEL;
    return !mine;
#endif
}
