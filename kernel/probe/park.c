/*
 * park.c: CPUs that wait for the host.
 */
#include "entry.h"
#include "intr.h"
#include "irql.h"
#include "mm.h"
#include "probe.h"
#include "serial.h"
#include "x86.h"

uint32_t             probe_boot;
struct probe_mailbox probe_mailbox[MAX_CPUS];
static unsigned      parked;

/* The host breaks at these, so they must exist and must not be inlined. */
__attribute__((noinline)) void boot_choice(void)
{
    __asm__ volatile("");
}
__attribute__((noinline)) void probe_ready(void)
{
    __asm__ volatile("");
}
__attribute__((noinline)) void probe_returned(struct cpu *cpu)
{
    __asm__ volatile("" : : "r"(cpu));
}

typedef uintptr_t probe_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t);

/* Cleared first: a function that does not return must not be called again. */
static void call(struct cpu *cpu, struct probe_mailbox *mail)
{
    probe_function *fn = (probe_function *)(uintptr_t)mail->fn;
    uint64_t        flags = mail->flags;
    mail->fn = 0;
    irql_t old = irql_raise((irql_t)PROBE_LEVEL(flags));
    if (flags & PROBE_INTERRUPTS_ON)
        sti();
    mail->ret = fn((uintptr_t)mail->arg[0], (uintptr_t)mail->arg[1], (uintptr_t)mail->arg[2],
                   (uintptr_t)mail->arg[3]);
    cli();
    irql_lower(old);
    mail->count++;
    probe_returned(cpu);
}

_Noreturn void probe_park(struct cpu *cpu)
{
    struct probe_mailbox *mail = &probe_mailbox[cpu->id];
    __atomic_fetch_add(&parked, 1, __ATOMIC_RELEASE); /* from here on the mailbox is looked at */
    if (cpu->id == 0)
        probe_ready();
    for (;;) {
        while (!*(volatile uintptr_t *)&mail->fn) /* the host writes it, behind the compiler */
            cpu_pause();
        call(cpu, mail);
    }
}

_Noreturn void probe_start(void)
{
    probe_interrupts_init();
    serial_never_wait();
    page_scrub(); /* a snapshot holds only what is not zero */
    while (__atomic_load_n(&parked, __ATOMIC_ACQUIRE) != ncpus - 1)
        cpu_pause();
    probe_park(&cpus[0]);
}
