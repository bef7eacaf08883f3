/*
 * user_gs.c: exercise 2.6, the GS base that belongs to a thread of ring 3 (64 bits).
 *
 * While the kernel runs, ring 3's base is in MSR_KERNEL_GS_BASE.  Ring 3 may have changed it without
 * asking (WRGSBASE, or a selector loaded into GS), so it has to be read.
 */
#include "hole.h"
#include "lab2.h"
#include "x86.h"

/* gs_switch(from, to): see percpu.h. */
void gs_switch(struct thread *from, struct thread *to)
{
    /* 64 bits: keep the base of `from`, load that of `to`.  32 bits: nothing to do; why? */
    HOLE("2.6", "give each thread its own GS base");
}

/* gs_set_user_base(base): see percpu.h. */
bool gs_set_user_base(uintptr_t base)
{
    HOLE("2.6", "make it the base that ring 3 finds in GS");
}
