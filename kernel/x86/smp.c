/*
 * smp.c: starts the other CPUs (SDM 3A 9.4.4).
 */
#include "smp.h"

#include <stddef.h>

#include "acpi.h"
#include "lapic.h"
#include "mm.h"
#include "panic.h"
#include "pit.h"
#include "print.h"
#include "string.h"
#include "x86.h"

#define INIT_US    10000 /* from INIT to STARTUP */
#define STARTUP_US 200   /* from STARTUP to the next, if the first was lost */
#define ONLINE_MS  1000  /* from STARTUP to cpu->online */

/* The end of the page, as ap.S lays it out: what the CPU has to load. */
struct ap_values {
    uint32_t cr0, cr3;
    uint32_t efer;    /* 0: there is no such register */
    uint32_t started; /* set to 1 by the CPU when its code runs */
    uint64_t stack;
    uint64_t cpu; /* its struct cpu */
};

extern const char ap_code[], ap_values[], ap_code_end[];
extern char       boot_page_root[]; /* at its physical address */

static uint8_t saved[PAGE_SIZE]; /* what AP_PAGE held */

static struct ap_values *values(void)
{
    return (struct ap_values *)((uint8_t *)phys_to_virt(AP_PAGE) + (ap_values - ap_code));
}

static void page_fill(void)
{
    uint8_t *page = phys_to_virt(AP_PAGE);

    ASSERT(ap_code_end - ap_code <= PAGE_SIZE);
    ASSERT(ap_code_end - ap_values == sizeof(struct ap_values));
    memcpy(saved, page, PAGE_SIZE);
    memset(page, 0xcc, PAGE_SIZE); /* a CPU that strays stops at once */
    memcpy(page, ap_code, (size_t)(ap_code_end - ap_code));
    values()->cr0 = (uint32_t)read_cr0();
    values()->cr3 = (uint32_t)(uintptr_t)boot_page_root;
    values()->efer = (uint32_t)rdmsr(MSR_EFER) & (EFER_LME | EFER_NXE);
}

/* True if the CPU says in time that it is there. Acquire: what it wrote before is there too. */
static bool wait_online(const struct cpu *cpu)
{
    for (unsigned ms = 0; ms < ONLINE_MS; ms++) {
        if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
            return true;
        pit_wait(1000);
    }
    return __atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE);
}

static bool start(struct cpu *cpu)
{
    ASSERT(cpu->kstack_top != 0);
    values()->stack = cpu->kstack_top;
    values()->cpu = (uintptr_t)cpu;
    values()->started = 0;

    lapic_send_init(cpu->apic_id);
    pit_wait(INIT_US);
    lapic_send_startup(cpu->apic_id, AP_PAGE);
    pit_wait(STARTUP_US);
    /* Relaxed: it only decides whether to send again, and a CPU that runs ignores that. */
    if (!__atomic_load_n(&values()->started, __ATOMIC_RELAXED))
        lapic_send_startup(cpu->apic_id, AP_PAGE);
    if (wait_online(cpu))
        return true;
    /* So that it does not wake up later, in a page that holds something else by then. */
    lapic_send_init(cpu->apic_id);
    return false;
}

void smp_start(void)
{
    ncpus = 1;
    cpus[0].apic_id = acpi_cpus.apic_id[0];
    page_fill();
    for (unsigned i = 1; i < acpi_cpus.count; i++) {
        struct cpu *cpu = &cpus[ncpus];

        cpu->id = ncpus;
        cpu->apic_id = acpi_cpus.apic_id[i];
        if (start(cpu))
            ncpus++;
        else
            kprintf("smp: the CPU with APIC id %u does not answer and is left out\n", cpu->apic_id);
    }
    memcpy(phys_to_virt(AP_PAGE), saved, PAGE_SIZE);
}
