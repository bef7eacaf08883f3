/*
 * kmain.c: from the boot code to ring 3.
 */
#include "acpi.h"
#include "boot.h"
#include "console.h"
#include "descriptors.h"
#include "entry.h"
#include "fastcall.h"
#include "hole.h"
#include "intr.h"
#include "ioapic.h"
#include "lapic.h"
#include "mm.h"
#include "multiboot.h"
#include "panic.h"
#include "pic.h"
#include "print.h"
#include "probe.h"
#include "program.h"
#include "smp.h"
#include "stacks.h"
#include "symbols.h"
#include "syscall.h"
#include "sysnum.h"
#include "x86.h"

_Noreturn void hole_reached(const struct hole *hole)
{
    panic("exercise %s is not written yet: %s:%u: %s", hole->id, hole->file, (unsigned)hole->line,
          hole->what);
}

static void clock_interrupt(unsigned vector, bool user)
{
    (void)vector;
    sched_tick(user);
}

/* What each CPU does for itself, in this order. */
static void cpu_init(struct cpu *cpu)
{
    gdt_init(cpu);
    idt_load();
    mm_init_cpu();
    lapic_init();
    fastcall_init(cpu);
}

_Noreturn void ap_main(struct cpu *cpu)
{
    cpu_init(cpu);
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE); /* all of the above is visible first */
    if (probe_boot)
        probe_park(cpu);
    for (;;) /* until lab 2 the other CPUs have nothing to run */
        hlt();
}

_Noreturn static void start_shell(void)
{
    struct cpu *cpu = &cpus[0];
    intr_set_handler(VECTOR_CLOCK, clock_interrupt);
    input_init();
    tss_init(cpu);
    struct thread *shell = program_start("shell");
    if (!shell)
        panic("there is no program \"shell\" among GRUB's modules");
    thread_ready(shell);
    lapic_timer_start(TICKS_PER_SECOND, VECTOR_CLOCK);
    ret_to_user();
}

_Noreturn void kmain(uint32_t magic, uint32_t boot_information)
{
    const void *mbi = phys_to_virt(boot_information);
    stacks_init();
    gdt_init(&cpus[0]);
    idt_init();
    idt_load();
    console_init();
    if (magic != MULTIBOOT_MAGIC)
        panic("booted by something else than a multiboot2 loader (magic %x)", (unsigned)magic);
    symbols_init(mbi);
    boot_choice();
    acpi_init(mbi); /* before mm_init(): its tables may lie where the kernel maps nothing later */
    mm_init(mbi);
    pic_disable();
    cpu_init(&cpus[0]);
    lapic_timer_init();
    ioapic_init();
    program_init(mbi);
    cpus[0].online = true;
    smp_start();
    kprintf("Corral, stage %u, %u bits: %u CPU%s, %lu KiB free\n", corral_stage,
            (unsigned)sizeof(void *) * 8, ncpus, ncpus == 1 ? "" : "s",
            (unsigned long)page_count_free() * (PAGE_SIZE / 1024));
    if (probe_boot)
        probe_start();
    start_shell();
}
