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

/* BEGIN 5.5 */
#define INT3      0xcc
#define JMP_REL32 0xe9

/* The one under way.  text_trap() reads `next` only while `at` is there: it is stored last. */
static struct {
    uint32_t  busy;
    uintptr_t at;   /* 0: none */
    uintptr_t next; /* where the new instruction goes on */
} poke;

/* A CPU that has answered has this between what it executed before and what it will execute.  It has
   also left text_trap(), where interrupts are off. */
static void serialise_here(void *arg)
{
    (void)arg;
    serialise();
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
    write_byte(at, INT3);
    ipi_call(serialise_here, 0);
    for (unsigned i = 1; i < TEXT_SITE; i++)
        write_byte(at + i, bytes[i]);
    ipi_call(serialise_here, 0);
    write_byte(at, bytes[0]);
    ipi_call(serialise_here, 0);
}
/* INSTEAD 5.5 */
/* END 5.5 */

/*
 * text_poke(at, bytes): see ipi.h.
 *
 * Whoever waits for his turn is at DISPATCH_LEVEL, and so is the one who has it: nothing that calls
 * this comes between on one CPU, and the calls of the one who has it are answered.
 */
bool text_poke(void *at, const uint8_t bytes[TEXT_SITE])
{
    /* BEGIN 5.5 */
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
    /* INSTEAD 5.5 */
    //| /*
    //|  * 1. What does a CPU execute that comes here after two of the five bytes are new?  Which
    //|  *    one byte can be written first, so that nobody does?  (SDM 3A 9.1.3)
    //|  * 2. After each step: what must every CPU have done before the next?
    //|  * 3. text_trap() runs on another CPU at any of these moments.  What must it know, since
    //|  *    when, and how long?
    //|  * 4. Two CPUs may call this at the same time.
    //|  */
    //| HOLE("5.5", "write a jump or a NOP in three steps, behind a breakpoint");
    /* END 5.5 */
}

/* text_trap(regs): see ipi.h.  It needs no lock: `at` does not change while anybody is in here. */
bool text_trap(struct regs *regs)
{
    /* BEGIN 5.5 */
    uintptr_t at = (uintptr_t)regs->ip - 1;
    if (at != __atomic_load_n(&poke.at, __ATOMIC_ACQUIRE))
        return false;
    regs->ip = poke.next;
    return true;
    /* INSTEAD 5.5 */
    //| HOLE_LATER("5.5", "let a CPU that met the breakpoint go on");
    //| return false;
    /* END 5.5 */
}
