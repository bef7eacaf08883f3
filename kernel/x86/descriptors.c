/*
 * descriptors.c: segments and gates (SDM 3A 3.4.5, 6.11, 6.14.1).
 */
#include "descriptors.h"

#include "entry.h"
#include "nmi.h"
#include "own_stacks.h"
#include "panic.h"
#include "x86.h"

/* Loads every segment register from the present GDT; FS and GS become null.  In segments.S. */
void reload_segments(void);

/* Access bytes, with the present bit. */
#define CODE(dpl) (0x9aull | (dpl) << 5)
#define DATA(dpl) (0x92ull | (dpl) << 5)
#define TSS_FREE  0x89ull
#define GATE(dpl) (0x8eull | (dpl) << 5) /* an interrupt gate: IF is cleared */
#define TASK_GATE 0x85ull

/* Flags, the top four bits of the limit's byte. */
#define FLAG_4K 0x8ull
#define FLAG_32 0x4ull
#define FLAG_64 0x2ull

static uint64_t segment(uint64_t access, uint64_t flags, uint32_t base, uint32_t limit)
{
    return (limit & 0xffffull) | (base & 0xffffffull) << 16 | access << 40 |
           (limit >> 16 & 0xfull) << 48 | flags << 52 | (uint64_t)(base >> 24) << 56;
}

void gdt_set_task(struct cpu *cpu, unsigned selector, const void *tss, uint32_t size)
{
    uintptr_t base = (uintptr_t)tss;
    cpu->gdt[selector / 8] = segment(TSS_FREE, 0, (uint32_t)base, size - 1);
#ifdef __x86_64__
    cpu->gdt[selector / 8 + 1] = base >> 32;
#endif
}

void gdt_set_tss(struct cpu *cpu, const void *tss, uint32_t size)
{
    gdt_set_task(cpu, TSS_SEL, tss, size);
}

void gdt_init(struct cpu *cpu)
{
#ifdef __x86_64__
    uint64_t *gdt = cpu->gdt;
    gdt[KERNEL_CS / 8] = segment(CODE(0), FLAG_4K | FLAG_64, 0, 0xfffff);
    gdt[KERNEL_DS / 8] = segment(DATA(0), FLAG_4K | FLAG_32, 0, 0xfffff);
    gdt[3] = segment(CODE(3), FLAG_4K | FLAG_32, 0, 0xfffff); /* where SYSRET looks for one */
    gdt[USER_DS / 8] = segment(DATA(3), FLAG_4K | FLAG_32, 0, 0xfffff);
    gdt[USER_CS / 8] = segment(CODE(3), FLAG_4K | FLAG_64, 0, 0xfffff);
#else
    uint64_t *gdt = cpu->gdt;
    gdt[KERNEL_CS / 8] = segment(CODE(0), FLAG_4K | FLAG_32, 0, 0xfffff);
    gdt[KERNEL_DS / 8] = segment(DATA(0), FLAG_4K | FLAG_32, 0, 0xfffff);
    gdt[USER_CS / 8] = segment(CODE(3), FLAG_4K | FLAG_32, 0, 0xfffff);
    gdt[USER_DS / 8] = segment(DATA(3), FLAG_4K | FLAG_32, 0, 0xfffff);
    own_tss_init(cpu);
    gdt_set_task(cpu, DF_TSS_SEL, &cpu->df_tss, sizeof(cpu->df_tss));
    gdt_set_task(cpu, MC_TSS_SEL, &cpu->mc_tss, sizeof(cpu->mc_tss));
#endif
    struct table_pointer pointer = {sizeof(cpu->gdt) - 1, (uintptr_t)cpu->gdt};
    lgdt(&pointer);
    reload_segments();
}

#ifdef __x86_64__
#define GATE_WORDS 2
#else
#define GATE_WORDS 1
#endif

static uint64_t idt[256 * GATE_WORDS] __attribute__((aligned(16)));
extern const uintptr_t vector_stubs[256];

static void set_gate(unsigned vector, unsigned dpl, unsigned ist)
{
    uintptr_t to = vector_stubs[vector];
    uint64_t *gate = &idt[vector * GATE_WORDS];
    gate[0] = (to & 0xffff) | (uint64_t)KERNEL_CS << 16 | (uint64_t)ist << 32 | GATE(dpl) << 40 |
              (uint64_t)(to >> 16 & 0xffff) << 48;
#ifdef __x86_64__
    gate[1] = to >> 32;
#endif
}

void idt_set_ist(unsigned vector, unsigned ist)
{
    set_gate(vector, 0, ist);
}

void idt_set_task(unsigned vector, unsigned selector)
{
#ifdef __x86_64__
    panic("vector %u: there are no task gates in 64 bits (selector 0x%x)", vector, selector);
#else
    idt[vector] = (uint64_t)selector << 16 | TASK_GATE << 40;
#endif
}

void idt_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++)
        set_gate(vector, 0, 0);
    set_gate(3, 3, 0); /* INT3 and INTO may be used by ring 3 */
    set_gate(4, 3, 0);
    set_gate(VECTOR_SYSCALL, 3, 0);
#ifdef __x86_64__
    /* The NMI has a plain gate until lab 3. */
    set_gate(VECTOR_DF, 0, IST_DF);
    set_gate(VECTOR_MC, 0, IST_MC);
    set_gate(VECTOR_DEBUG, 0, IST_DEBUG);
#else
    idt_set_task(VECTOR_DF, DF_TSS_SEL);
    idt_set_task(VECTOR_MC, MC_TSS_SEL);
#endif
}

void idt_load(void)
{
    struct table_pointer pointer = {sizeof(idt) - 1, (uintptr_t)idt};
    lidt(&pointer);
}
