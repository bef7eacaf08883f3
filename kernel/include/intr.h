/*
 * intr.h: who handles a device interrupt.
 */
#ifndef CORRAL_INTR_H
#define CORRAL_INTR_H

#include <stdbool.h>

#include "regs.h"

/*
 * A handler runs at the level of its vector with interrupts on, on the stack of the CPU that was
 * interrupted; `user` says whether ring 3 was.  It must not block.
 */
typedef void intr_handler(unsigned vector, bool user);

/*
 * What an interrupt found, while its handler runs: cpu->interrupted is the list of a CPU, the
 * innermost first.  Another CPU may read the list of one that it holds, or that has told it since.
 */
struct interrupted {
    const struct regs  *regs;
    struct interrupted *outer; /* what the handler with these registers interrupted; NULL: nothing */
};

/* Names the handler of a vector from 32 on.  CPU 0, before the vector can arrive. */
void intr_set_handler(unsigned vector, intr_handler *handler);

#endif
