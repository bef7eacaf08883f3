/*
 * return.c: exercises 1.4, 1.6 and 1.7: leaving the kernel, waiting in it, and an IRET that fails.
 */
#include "hole.h"
#include "lab1.h"
#include "mm.h"
#include "x86.h"

/* ret_to_user(): see entry.h. */
_Noreturn void ret_to_user(void)
{
    /*
     * 1. Whose turn is it?  Nobody's: idle_loop().
     * 2. exit_work().
     * 3. The stack for the next interrupt of this thread, before it can come.
     * 4. Its address space, if it is not the present one.
     * 5. Its registers: user_resume().
     */
    HOLE("1.4", "choose a thread, prepare its next entry, return to it");
}

/* idle_loop(): see entry.h. */
_Noreturn void idle_loop(void)
{
    /*
     * Check for work and wait for an interrupt, again and again.  Work that is posted between
     * your check and your HLT must not wait for a second interrupt.
     */
    HOLE("1.6", "wait with interrupts on until a thread can run");
}

/* iret_fixup(regs): see entry.h. */
_Noreturn void iret_fixup(struct regs *regs)
{
    HOLE("1.7", "end the present thread and leave the kernel");
}
