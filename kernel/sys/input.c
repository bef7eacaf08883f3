/*
 * input.c: keys, from the serial line and the keyboard, in the order in which they came.
 */
#include "console.h"
#include "intr.h"
#include "ioapic.h"
#include "serial.h"
#include "syscall.h"
#include "thread.h"
#include "x86.h"

#define IRQ_KEYBOARD 1
#define IRQ_SERIAL   4

static char     keys[64]; /* a ring: keys[taken] is the oldest */
static unsigned came, taken;

/* Two interrupt handlers of different levels fill the ring, so interrupts are off meanwhile. */
static void collect(unsigned vector, bool user)
{
    (void)vector, (void)user;
    uintptr_t flags = read_flags();
    int       key;
    cli();
    while ((key = console_get()) >= 0)
        if (came - taken < sizeof(keys))
            keys[came++ % sizeof(keys)] = (char)key;
    if (input_waits())
        thread_wake(WAIT_INPUT, 0);
    write_flags(flags);
}

void input_init(void)
{
    intr_set_handler(VECTOR_KEYBOARD, collect);
    intr_set_handler(VECTOR_SERIAL, collect);
    ioapic_route(IRQ_KEYBOARD, VECTOR_KEYBOARD, cpus[0].apic_id);
    ioapic_route(IRQ_SERIAL, VECTOR_SERIAL, cpus[0].apic_id);
    serial_interrupt(true);
    collect(0, false); /* what was typed before now */
}

bool input_waits(void)
{
    return came != taken;
}

char input_take(void)
{
    return input_waits() ? keys[taken++ % sizeof(keys)] : 0;
}
