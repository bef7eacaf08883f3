/*
 * poke.c: INT3, the rest, the first byte; whoever can answer waits outside of the handler.
 */
#include "lab5.h"

#define INT3      0xcc
#define JMP_REL32 0xe9

static uint32_t writer; /* 1: somebody writes */

/* Set while `site` is, read while it is. */
static uintptr_t site, new_next;

static void serialise_here(void *arg)
{
    (void)arg;
    serialise();
}

static uintptr_t next_of(const uint8_t *code, uintptr_t at)
{
    int32_t distance = 0;
    if (code[0] == JMP_REL32)
        for (unsigned i = 0; i < sizeof(distance); i++)
            ((uint8_t *)&distance)[i] = code[1 + i];
    return at + TEXT_SITE + (uintptr_t)(intptr_t)distance;
}

static void put(uintptr_t at, uint8_t byte)
{
    __atomic_store_n((uint8_t *)text_alias((void *)at), byte, __ATOMIC_RELEASE);
}

bool text_poke(void *at, const uint8_t bytes[TEXT_SITE])
{
    if (!may_call() || irql_get() > DISPATCH_LEVEL)
        return false;
    irql_t before = irql_raise(DISPATCH_LEVEL);
    while (__atomic_exchange_n(&writer, 1, __ATOMIC_ACQUIRE))
        cpu_pause();
    uintptr_t place = (uintptr_t)at;
    new_next = next_of(bytes, place);
    __atomic_store_n(&site, place, __ATOMIC_RELEASE);
    put(place, INT3);
    ipi_call(serialise_here, 0);
    for (unsigned i = TEXT_SITE - 1; i > 0; i--)
        put(place + i, bytes[i]);
    ipi_call(serialise_here, 0);
    put(place, bytes[0]);
    ipi_call(serialise_here, 0);
    __atomic_store_n(&site, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&writer, 0, __ATOMIC_RELEASE);
    irql_lower(before);
    return true;
}

bool text_trap(struct regs *regs)
{
    uintptr_t place = (uintptr_t)regs->ip - 1;
    if (place != __atomic_load_n(&site, __ATOMIC_ACQUIRE))
        return false;
    /* With interrupts on below IPI_LEVEL it answers between two tries; else it would try for ever. */
    bool answers = (regs->flags & FLAGS_IF) && irql_get() < IPI_LEVEL;
    regs->ip = answers ? place : new_next;
    return true;
}
