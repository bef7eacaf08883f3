/*
 * poke.c: as in the reference, with one meeting more in front: all know of the poke before any of
 * them can meet its breakpoint.
 */
#include "lab5.h"

#define INT3      0xcc
#define JMP_REL32 0xe9

/* The one under way.  text_trap() reads `next` only while `at` is there: it is stored last. */
static struct {
    uint32_t  busy;
    uintptr_t at;   /* 0: none */
    uintptr_t next; /* where the new instruction goes on */
} poke;

/* LLDT serialises too (SDM 3A 9.3), and there is no LDT here. */
static void serialise_here(void *arg)
{
    (void)arg;
    __asm__ volatile("lldt %w0" : : "r"(0) : "memory");
}

static void write_byte(uintptr_t at, uint8_t byte)
{
    /* Release: what came before is seen first, and the compiler leaves it in this order. */
    __atomic_store_n((uint8_t *)text_alias((const void *)at), byte, __ATOMIC_RELEASE);
}

static uintptr_t next_of(uintptr_t at, const uint8_t *bytes)
{
    uintptr_t next = at + TEXT_SITE;
    if (bytes[0] != JMP_REL32)
        return next;
    uint32_t distance = bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16 |
                        (uint32_t)bytes[4] << 24;
    return next + (uintptr_t)(intptr_t)(int32_t)distance;
}

/* At DISPATCH_LEVEL with interrupts on, so no call is refused. */
static void write_in_three(uintptr_t at, const uint8_t *bytes)
{
    ipi_call(serialise_here, 0);
    write_byte(at, INT3);
    ipi_call(serialise_here, 0);
    for (unsigned i = 1; i < TEXT_SITE; i++)
        write_byte(at + i, bytes[i]);
    ipi_call(serialise_here, 0);
    write_byte(at, bytes[0]);
    ipi_call(serialise_here, 0);
}

/*
 * text_poke(at, bytes): see ipi.h.
 *
 * Whoever waits for his turn is at DISPATCH_LEVEL, and so is the one who has it: nothing that calls
 * this comes between on one CPU, and the calls of the one who has it are answered.
 */
bool text_poke(void *at, const uint8_t bytes[TEXT_SITE])
{
    if (!may_call() || irql_get() > DISPATCH_LEVEL)
        return false;
    irql_t before = irql_raise(DISPATCH_LEVEL);
    while (__atomic_exchange_n(&poke.busy, 1, __ATOMIC_ACQUIRE))
        cpu_pause();
    poke.next = next_of((uintptr_t)at, bytes);
    /* Release: text_trap() sees `next` if it sees `at`; both before the breakpoint can be met. */
    __atomic_store_n(&poke.at, (uintptr_t)at, __ATOMIC_RELEASE);
    write_in_three((uintptr_t)at, bytes);
    __atomic_store_n(&poke.at, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&poke.busy, 0, __ATOMIC_RELEASE);
    irql_lower(before);
    return true;
}

/* text_trap(regs): see ipi.h.  It needs no lock: `at` does not change while anybody is in here. */
bool text_trap(struct regs *regs)
{
    uintptr_t at = (uintptr_t)regs->ip - 1;
    if (at != __atomic_load_n(&poke.at, __ATOMIC_ACQUIRE))
        return false;
    regs->ip = poke.next;
    return true;
}
