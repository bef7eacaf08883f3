/*
 * return.c: exercises 1.4, 1.6 and 1.7: leaving the kernel, waiting in it, and an IRET that fails.
 */
#include "lab1.h"
#include "mm.h"
#include "x86.h"

/* ret_to_user(): see entry.h.  The registers on the stack go home unless they are used at once. */
_Noreturn void ret_to_user(void)
{
    struct cpu      *cpu = this_cpu();
    struct lab1_cpu *mine = lab1_cpu_area(cpu);
    struct thread   *thread = sched_next();
    if (thread != mine->owner)
        put_away(cpu);
    if (!thread)
        idle_loop();
    exit_work();
    tss_set_sp0(cpu, thread);
    if (cpu->as != thread->as)
        as_activate(thread->as);
    user_resume(thread_regs(thread));
}

/* idle_loop(): see entry.h.  Interrupts from here push below what is on the stack. */
_Noreturn void idle_loop(void)
{
    for (;;) {
        cli(); /* nothing may be posted between the check and HLT ... */
        if (sched_next())
            ret_to_user();
        sti_hlt(); /* ... and STI holds interrupts off for one instruction more */
    }
}

/* iret_fixup(regs): see entry.h. */
_Noreturn void iret_fixup(struct regs *regs)
{
    thread_fault(this_cpu()->current, regs, 0);
    ret_to_user();
}
