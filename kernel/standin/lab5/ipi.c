/*
 * ipi.c: stand-in for lab 5.  No CPU asks another for anything, and a panic stops its own CPU only.
 */
#include "ipi.h"

#include "panic.h"

void ipi_init(struct cpu *cpu)
{
    (void)cpu;
}

bool ipi_call(ipi_function *fn, void *arg)
{
    panic("ipi_call(%p, %p) waits for lab 5", (void *)(uintptr_t)fn, arg);
}

bool ipi_two_phase(ipi_function *one, ipi_function *all, void *arg)
{
    panic("ipi_two_phase(%p, %p, %p) waits for lab 5", (void *)(uintptr_t)one,
          (void *)(uintptr_t)all, arg);
}

void ipi_interrupt(void)
{
    panic("an IPI came, which waits for lab 5");
}

void ipi_poll(void)
{
}

bool text_patch(void *at, const void *bytes, size_t size)
{
    (void)bytes;
    panic("text_patch(%p, %zu bytes) waits for lab 5", at, size);
}

bool text_poke(void *at, const uint8_t bytes[TEXT_SITE])
{
    (void)bytes;
    panic("text_poke(%p) waits for lab 5", at);
}

bool text_trap(struct regs *regs)
{
    (void)regs;
    return false;
}

void stop_others(void)
{
}

void stop_here(void)
{
}
