/*
 * leave64.S: exercise 1.4, the assembly part: the way back to ring 3 in 64 bits.
 */
#include "gs.h"
#include "hole.h"
#include "offsets.h"

    .text

/*
 * void user_resume(const struct regs *regs);
 *
 * Before: interrupts off, on the kernel stack.  After: ring 3, with exactly these registers.
 * The frame for IRET is copied to the kernel stack, so that a fault of IRET finds a kernel stack
 * under it and the thread's saved registers untouched.
 */
    .globl user_resume, user_iret
user_resume:
/*
 * 1. Put SS, RSP, RFLAGS, CS, RIP on the stack for IRET.
 * 2. Load the fifteen general registers; the one that points at regs comes last.
 * 3. gs_exit, then IRET at the label user_iret.
 */
    HOLE("1.4", "load every register and return to ring 3")
user_iret:
    iretq
