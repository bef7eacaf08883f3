/*
 * poke.c: exercise 5.5, a new instruction without holding anybody.
 *
 *      was     0f 1f 44 00 00
 *      1.      cc 1f 44 00 00      all serialise: whoever comes here now takes the breakpoint
 *      2.      cc 10 20 30 40      all serialise: the rest is there before the first byte
 *      3.      e9 10 20 30 40      all serialise: nobody is in the breakpoint any more
 */
#include "hole.h"
#include "lab5.h"


/*
 * text_poke(at, bytes): see ipi.h.
 *
 * Whoever waits for his turn is at DISPATCH_LEVEL, and so is the one who has it: nothing that calls
 * this comes between on one CPU, and the calls of the one who has it are answered.
 */
bool text_poke(void *at, const uint8_t bytes[TEXT_SITE])
{
    /*
     * 1. What does a CPU execute that comes here after two of the five bytes are new?  Which
     *    one byte can be written first, so that nobody does?  (SDM 3A 9.1.3)
     * 2. After each step: what must every CPU have done before the next?
     * 3. text_trap() runs on another CPU at any of these moments.  What must it know, since
     *    when, and how long?
     * 4. Two CPUs may call this at the same time.
     */
    HOLE("5.5", "write a jump or a NOP in three steps, behind a breakpoint");
}

/* text_trap(regs): see ipi.h.  It needs no lock: `at` does not change while anybody is in here. */
bool text_trap(struct regs *regs)
{
    HOLE_LATER("5.5", "let a CPU that met the breakpoint go on");
    return false;
}
