/*
 * patch.c: exercise 5.4, new code while every CPU is held.
 */
#include "hole.h"
#include "intr.h"
#include "lab5.h"

/* BEGIN 5.4 */
#define PAUSES_FIRST 64
#define PAUSES_LAST  (1u << 16)

struct patch {
    uint8_t       *at;
    const uint8_t *bytes;
    size_t         size;
    bool           written;
};

/* Whether something that was interrupted on this CPU, which is held, goes on inside the range. */
static bool inside(const struct cpu *cpu, const struct patch *patch)
{
    uintptr_t first = (uintptr_t)patch->at;
    for (const struct interrupted *i = cpu->interrupted; i; i = i->outer)
        if (!regs_from_user(i->regs) && i->regs->ip > first && i->regs->ip < first + patch->size)
            return true; /* at its first byte it would execute all of the new code */
    return false;
}

static void write(void *arg)
{
    struct patch *patch = arg;
    for (const struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++)
        if (inside(cpu, patch))
            return;
    for (size_t i = 0; i < patch->size; i++) /* one by one: the next may lie in another page */
        *(uint8_t *)text_alias(patch->at + i) = patch->bytes[i];
    patch->written = true;
}

/* The serialising instruction before it is what was wanted. */
static void nothing(void *arg)
{
    (void)arg;
}
/* INSTEAD 5.4 */
/* END 5.4 */

/* text_patch(at, bytes, size): see ipi.h. */
bool text_patch(void *at, const void *bytes, size_t size)
{
    /* BEGIN 5.4 */
    struct patch patch = {at, bytes, size, false};
    if (inside(this_cpu(), &patch))
        return false; /* what we interrupted goes on when we return, and not before */
    for (unsigned pauses = PAUSES_FIRST;; pauses *= pauses < PAUSES_LAST ? 2 : 1) {
        if (!ipi_two_phase(write, nothing, &patch))
            return false;
        if (patch.written)
            return true;
        /* The one that is inside needs time for an instruction before the next IPI finds it. */
        for (unsigned i = 0; i < pauses; i++)
            cpu_pause();
    }
    /* INSTEAD 5.4 */
    //| /*
    //|  * 1. All are held.  What if one of them was interrupted after the first of four
    //|  *    instructions that you replace?  Its handler may have been interrupted too
    //|  *    (cpu->interrupted).
    //|  * 2. Then let them go, and try again: how does that CPU get to execute something meanwhile?
    //|  *    And if it is this CPU, whose handler called us?
    //|  * 3. The code is read-only here: text_alias().
    //|  * 4. Who needs a serialising instruction, and when?
    //|  */
    //| HOLE("5.4", "write code that every CPU may be executing, while all are held");
    /* END 5.4 */
}
