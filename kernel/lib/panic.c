/*
 * panic.c: the end of the kernel, in words.
 */
#include "panic.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "cpu.h"
#include "format.h"
#include "ipi.h"
#include "layout.h"
#include "print.h"
#include "symbols.h"
#include "x86.h"

#define FRAMES_MAX 32

/* What a function with a frame pointer leaves on its stack. */
struct frame {
    uintptr_t next; /* the caller's frame pointer */
    uintptr_t return_address;
};

char panic_message[512];

static unsigned panic_owner; /* 0: none, or 1 + the number of the first CPU that panicked */
static bool     panic_again; /* that CPU has panicked once more while it reported */

unsigned cpu_number(void)
{
    uint8_t apic_id = cpuid_apic_id();

    for (unsigned i = 0; i < MAX_CPUS; i++)
        if (cpus[i].apic_id == apic_id)
            return i;
    return 0;
}

bool panicking(void)
{
    return __atomic_load_n(&panic_owner, __ATOMIC_RELAXED) == 1 + cpu_number();
}

void backtrace(uintptr_t frame)
{
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        const struct frame *f = (const struct frame *)frame;
        uintptr_t           offset;
        const char         *name;

        if (frame < DIRECT_BASE || frame % sizeof(uintptr_t) != 0)
            return;
        if (f->return_address < DIRECT_BASE)
            return;
        /* One back: a call that never returns may be the last instruction of its function. */
        name = symbol_name(f->return_address - 1, &offset);
        kprintf("    %p %s+0x%zx\n", (void *)f->return_address, name, (size_t)offset + 1);
        if (f->next <= frame)
            return;
        frame = f->next;
    }
}

void panic(const char *fmt, ...)
{
    unsigned self = 1 + cpu_number(), first = 0;
    va_list  args;

    cli();
    /* Relaxed: the exchange itself decides who is first, and no other data hangs on it. */
    if (!__atomic_compare_exchange_n(&panic_owner, &first, self, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)) {
        if (first == self && !panic_again) {
            panic_again = true;
            kprintf("\npanic inside the panic: ");
            va_start(args, fmt);
            kvprintf(fmt, args);
            va_end(args);
            kprintf("\n");
        }
        panic_stop();
    }
    stop_others(); /* first, so that what they print does not mix with it */
    va_start(args, fmt);
    kvsnprintf(panic_message, sizeof(panic_message), fmt, args);
    va_end(args);
    kprintf("\npanic on CPU %u: %s\n", self - 1, panic_message);
    backtrace((uintptr_t)__builtin_frame_address(0));
    panic_stop();
}

void panic_stop(void)
{
    while (1) {
        cli();
        hlt();
    }
}
