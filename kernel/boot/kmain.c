/*
 * kmain.c: from the boot code to ring 3.
 */
#include "acpi.h"
#include "boot.h"
#include "console.h"
#include "descriptors.h"
#include "entry.h"
#include "fastcall.h"
#include "guard.h"
#include "hole.h"
#include "intr.h"
#include "ioapic.h"
#include "ipi.h"
#include "lapic.h"
#include "log.h"
#include "mm.h"
#include "multiboot.h"
#include "nmi.h"
#include "output.h"
#include "panic.h"
#include "percpu.h"
#include "pic.h"
#include "print.h"
#include "probe.h"
#include "program.h"
#include "ring.h"
#include "smp.h"
#include "spinclock.h"
#include "stacks.h"
#include "symbols.h"
#include "syscall.h"
#include "sysnum.h"
#include "trace.h"
#include "x86.h"

_Noreturn void hole_reached(const struct hole *hole)
{
    panic("exercise %s is not written yet: %s:%u: %s", hole->id, hole->file, (unsigned)hole->line,
          hole->what);
}

#define STAGE_MANY 2 /* from this stage on all CPUs run ring 3 */

static void clock_interrupt(unsigned vector, bool user)
{
    (void)vector;
    sched_tick(user);
    corral_tick();
    TRACE_POINT(TRACE_CLOCK, this_cpu()->ticks);
    if (this_cpu()->id != 0)
        return;
    output_drain();
    if (corral_stage >= STAGE_RINGS)
        nmi_defer(NMI_WORK_RINGS);
}

/* What each CPU does for itself, in this order. */
static void cpu_init(struct cpu *cpu)
{
    gdt_init(cpu);
    percpu_init(cpu);
    idt_load();
    mm_init_cpu();
    hide_tables();
    lapic_init();
    ipi_init(cpu);
    fastcall_init(cpu);
}

void cpu_take_events(struct cpu *cpu)
{
    tss_init(cpu);
    nmi_init(cpu);
    __atomic_store_n(&cpu->nmi_ready, true, __ATOMIC_RELEASE); /* gate and TSS come before */
}

/* The last step of each CPU: from here on it is interrupted, and runs what is its. */
_Noreturn static void run_threads(struct cpu *cpu)
{
    cpu_take_events(cpu);
    lapic_timer_start(TICKS_PER_SECOND, VECTOR_CLOCK);
    ret_to_user();
}

_Noreturn void ap_main(struct cpu *cpu)
{
    cpu_init(cpu);
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE); /* all of the above is visible first */
    if (probe_boot)
        probe_park(cpu);
    while (!__atomic_load_n(&cpu->released, __ATOMIC_ACQUIRE)) /* its threads come before */
        if (corral_stage < STAGE_MANY)
            hlt();
        else {
            cpu_pause();
            ipi_poll(); /* it is online, so it may be asked, and its interrupts are off */
        }
    run_threads(cpu);
}

/* Each other CPU has the same threads from its start to its end, and all their memory. */
static void release_others(void)
{
    static const char *const programs[] = {"worker", "worker"};
    for (unsigned i = 1; i < ncpus && corral_stage >= STAGE_MANY; i++) {
        for (unsigned p = 0; p < sizeof(programs) / sizeof(programs[0]); p++) {
            struct thread *thread = program_start(programs[p], &cpus[i]);
            if (thread)
                thread_ready(thread);
        }
        __atomic_store_n(&cpus[i].released, true, __ATOMIC_RELEASE);
    }
}

_Noreturn static void start_shell(void)
{
    intr_set_handler(VECTOR_CLOCK, clock_interrupt);
    input_init();
    spin_clock_init();
    guards_init();
    kernel_log_init();
    if (corral_stage >= STAGE_TRACE)
        trace_init();
    struct thread *shell = program_start("shell", &cpus[0]);
    if (!shell)
        panic("there is no program \"shell\" among GRUB's modules");
    thread_ready(shell);
    release_others();
    run_threads(&cpus[0]);
}

_Noreturn void kmain(uint32_t magic, uint32_t boot_information)
{
    const void *mbi = phys_to_virt(boot_information);
    stacks_init();
    gdt_init(&cpus[0]);
    idt_init();
    idt_load();
    dispatch_init();
    ipi_vector_init();
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
