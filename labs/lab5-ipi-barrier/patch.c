/*
 * patch.c: exercise 5.4, new code while every CPU is held.
 */
#include "hole.h"
#include "intr.h"
#include "lab5.h"


/* text_patch(at, bytes, size): see ipi.h. */
bool text_patch(void *at, const void *bytes, size_t size)
{
    /*
     * 1. All are held.  What if one of them was interrupted after the first of four
     *    instructions that you replace?  Its handler may have been interrupted too
     *    (cpu->interrupted).
     * 2. Then let them go, and try again: how does that CPU get to execute something meanwhile?
     *    And if it is this CPU, whose handler called us?
     * 3. The code is read-only here: text_alias().
     * 4. Who needs a serialising instruction, and when?
     */
    HOLE("5.4", "write code that every CPU may be executing, while all are held");
}
