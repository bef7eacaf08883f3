/*
 * fixup.c: exercise 2.3, the 32-bit part: the fault that repairs GS.
 */
#include "hole.h"
#include "lab2.h"

/*
 * gs_fixup(regs, cr2): see percpu.h.
 *
 * regs->gs is what GS was at the fault, and what it will be when regs are loaded again.  With the
 * kernel's selector there GS was not the reason, and retrying would never end.
 */
bool gs_fixup(struct regs *regs, uintptr_t cr2)
{
    /* BEGIN 2.3 */
    (void)cr2;
#ifdef __x86_64__
    (void)regs; /* gs_enter has seen to it */
    return false;
#else
    if ((uint16_t)regs->gs == PERCPU_SEL)
        return false;
    regs->gs = PERCPU_SEL;
    return true;
#endif
    /* INSTEAD 2.3 */
    //| /*
    //|  * 64 bits: gs_enter has seen to it.
    //|  * 32 bits, if GS is repaired lazily:
    //|  * 1. Was ring 3's GS the reason?  If not, false: a fault of the kernel must stay one.
    //|  * 2. Where does the selector have to be, so that the instruction finds it when it runs again?
    //|  */
    //| HOLE("2.3", "repair GS if ring 3's was the reason for the fault");
    /* END 2.3 */
}
