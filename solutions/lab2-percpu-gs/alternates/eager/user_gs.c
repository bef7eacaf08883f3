/*
 * user_gs.c: the GS base that belongs to a thread of ring 3 (64 bits).
 *
 * While the kernel runs, ring 3's base is in MSR_KERNEL_GS_BASE.  Ring 3 may have changed it without
 * asking (WRGSBASE, or a selector loaded into GS), so it has to be read.
 */
#include "lab2.h"

#ifdef __x86_64__
/* RDGSBASE and WRGSBASE reach only the base that is in use, so ring 3's is for three instructions. */
static uint64_t exchange_user_base(uint64_t base)
{
    uint64_t old;
    __asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs" : "=&r"(old) : "r"(base) : "memory");
    return old;
}
#endif

/* gs_switch(from, to): see percpu.h. */
void gs_switch(struct thread *from, struct thread *to)
{
#ifdef __x86_64__
    if (from)
        ((struct lab2_thread *)lab2_thread_area(from))->gs_base = exchange_user_base(0);
    if (to)
        exchange_user_base(((struct lab2_thread *)lab2_thread_area(to))->gs_base);
#else
    (void)from, (void)to; /* the selector is among the saved registers */
#endif
}

/* gs_set_user_base(base): see percpu.h. */
bool gs_set_user_base(uintptr_t base)
{
#ifdef __x86_64__
    exchange_user_base(base);
    return true;
#else
    (void)base;
    return false;
#endif
}
