/*
 * irql.c: interrupt levels (SDM 3A 11.8.3.1, 11.8.6).
 */
#include "irql.h"

#include "lapic.h"
#include "panic.h"
#include "x86.h"

static _Noreturn void panic_raise_is_lower(irql_t now, irql_t level)
{
    panic("irql_raise to level %u at level %u, which is higher", level, now);
}

static _Noreturn void panic_lower_is_higher(irql_t now, irql_t level)
{
    panic("irql_lower to level %u at level %u, which is lower", level, now);
}

static _Noreturn void panic_no_such_level(irql_t level)
{
    panic("there is no interrupt level %u", level);
}

irql_t irql_get(void)
{
#ifdef __x86_64__
    return (irql_t)read_cr8();
#else
    return lapic_priority();
#endif
}

static void set(irql_t level)
{
#ifdef __x86_64__
    write_cr8(level);
#else
    lapic_set_priority(level);
#endif
}

irql_t irql_raise(irql_t level)
{
    irql_t now = irql_get();

    if (level > HIGH_LEVEL)
        panic_no_such_level(level);
    if (now > level)
        panic_raise_is_lower(now, level);
    set(level);
    return now;
}

void irql_lower(irql_t level)
{
    irql_t now = irql_get();

    if (now < level)
        panic_lower_is_higher(now, level);
    set(level);
}
