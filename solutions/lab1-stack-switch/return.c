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
    /* BEGIN 1.4 */
    struct cpu    *cpu = this_cpu();
    struct thread *thread = sched_next();
    if (!thread)
        idle_loop();
    exit_work();
    tss_set_sp0(cpu, thread); /* before ring 3 runs: the next interrupt may come at once */
    if (cpu->as != thread->as)
        as_activate(thread->as);
    user_resume(thread_regs(thread));
    /* INSTEAD 1.4 */
    //| /*
    //|  * 1. Whose turn is it?  Nobody's: idle_loop().
    //|  * 2. exit_work().
    //|  * 3. The stack for the next interrupt of this thread, before it can come.
    //|  * 4. Its address space, if it is not the present one.
    //|  * 5. Its registers: user_resume().
    //|  */
    //| HOLE("1.4", "choose a thread, prepare its next entry, return to it");
    /* END 1.4 */
}

/* idle_loop(): see entry.h. */
_Noreturn void idle_loop(void)
{
    /* BEGIN 1.6 */
    for (;;) {
        cli(); /* nothing may be posted between the check and HLT ... */
        if (sched_next())
            ret_to_user();
        sti_hlt(); /* ... and STI holds interrupts off for one instruction more (SDM 2B, STI) */
    }
    /* INSTEAD 1.6 */
    //| /*
    //|  * Check for work and wait for an interrupt, again and again.  Work that is posted between
    //|  * your check and your HLT must not wait for a second interrupt.
    //|  */
    //| HOLE("1.6", "wait with interrupts on until a thread can run");
    /* END 1.6 */
}

/* iret_fixup(regs): see entry.h. */
_Noreturn void iret_fixup(struct regs *regs)
{
    /* BEGIN 1.7 */
    thread_fault(this_cpu()->current, regs, 0);
    ret_to_user(); /* what is below us on the stack belongs to nobody now */
    /* INSTEAD 1.7 */
    //| HOLE("1.7", "end the present thread and leave the kernel");
    /* END 1.7 */
}
