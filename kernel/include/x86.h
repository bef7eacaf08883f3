/*
 * x86.h: instructions that C cannot say, one function each, for both widths.
 *
 * All of this file needs ring 0 unless a comment says otherwise. Level: any. CPU: acts on the CPU
 * that runs it. NMI: yes. The "memory" clobbers keep the compiler from moving memory accesses
 * across an instruction that changes who may see them.
 */
#ifndef CORRAL_X86_H
#define CORRAL_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FLAGS. */
#define FLAGS_TF (1u << 8)
#define FLAGS_IF (1u << 9)
#define FLAGS_DF (1u << 10)
#define FLAGS_NT (1u << 14)
#define FLAGS_RF (1u << 16)
#define FLAGS_AC (1u << 18)

/* CR0 and CR4. */
#define CR0_PE       (1u << 0)
#define CR0_MP       (1u << 1)
#define CR0_EM       (1u << 2)
#define CR0_TS       (1u << 3)
#define CR0_NE       (1u << 5)
#define CR0_WP       (1u << 16)
#define CR0_NW       (1u << 29)
#define CR0_CD       (1u << 30)
#define CR0_PG       (1u << 31)
#define CR4_TSD      (1u << 2)
#define CR4_PSE      (1u << 4)
#define CR4_PAE      (1u << 5)
#define CR4_PGE      (1u << 7)
#define CR4_UMIP     (1u << 11)
#define CR4_FSGSBASE (1u << 16)
#define CR4_SMEP     (1u << 20)
#define CR4_SMAP     (1u << 21)

/* Model specific registers. */
#define MSR_APIC_BASE      0x1bu
#define MSR_SYSENTER_CS    0x174u
#define MSR_SYSENTER_ESP   0x175u
#define MSR_SYSENTER_EIP   0x176u
#define MSR_PAT            0x277u
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define EFER_SCE           (1u << 0)
#define EFER_LME           (1u << 8)
#define EFER_LMA           (1u << 10)
#define EFER_NXE           (1u << 11)

/* CPUID leaf 7: EBX unless the name says ECX. */
#define CPUID7_FSGSBASE (1u << 0)
#define CPUID7_SMEP     (1u << 7)
#define CPUID7_SMAP     (1u << 20)
#define CPUID7_ECX_UMIP (1u << 2)

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* What LGDT, LIDT, SGDT and SIDT read and write. */
struct table_pointer {
    uint16_t  limit; /* size of the table in bytes, minus one */
    uintptr_t base;  /* linear address of the table */
} __attribute__((packed));

/* Interrupts and waiting. */

static inline void cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void sti(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void hlt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

/* Sleeps until the next interrupt, taken here: one statement, because nothing may come between
   STI and HLT, or the interrupt is taken before the sleep and the sleep has no end. */
static inline void sti_hlt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

/* Tells the CPU that this is a spin loop. Any ring. */
static inline void cpu_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* Any ring. */
static inline uintptr_t read_flags(void)
{
    uintptr_t flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags) : : "memory");
    return flags;
}

static inline void write_flags(uintptr_t flags)
{
    __asm__ volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
}

/* Control and debug registers. */

#define CONTROL_REGISTER(name)                                              \
    static inline uintptr_t read_##name(void)                               \
    {                                                                       \
        uintptr_t value;                                                    \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value) : : "memory"); \
        return value;                                                       \
    }                                                                       \
    static inline void write_##name(uintptr_t value)                        \
    {                                                                       \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");     \
    }

CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
#ifdef __x86_64__
CONTROL_REGISTER(cr8)
#endif
CONTROL_REGISTER(dr6)
CONTROL_REGISTER(dr7)

/* Segments and tables. Any ring may read a segment register. */

#define SEGMENT_REGISTER(name)                                              \
    static inline uint16_t read_##name(void)                                \
    {                                                                       \
        uint16_t value;                                                     \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value) : : "memory"); \
        return value;                                                       \
    }                                                                       \
    static inline void write_##name(uint16_t value)                         \
    {                                                                       \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");     \
    }

SEGMENT_REGISTER(ds)
SEGMENT_REGISTER(es)
SEGMENT_REGISTER(fs)
SEGMENT_REGISTER(gs)
SEGMENT_REGISTER(ss)

static inline uint16_t read_cs(void)
{
    uint16_t value;
    __asm__ volatile("mov %%cs, %0" : "=r"(value));
    return value;
}

static inline void lgdt(const struct table_pointer *pointer)
{
    __asm__ volatile("lgdt %0" : : "m"(*pointer) : "memory");
}

static inline void lidt(const struct table_pointer *pointer)
{
    __asm__ volatile("lidt %0" : : "m"(*pointer) : "memory");
}

static inline void sgdt(struct table_pointer *pointer)
{
    __asm__ volatile("sgdt %0" : "=m"(*pointer) : : "memory");
}

static inline void sidt(struct table_pointer *pointer)
{
    __asm__ volatile("sidt %0" : "=m"(*pointer) : : "memory");
}

static inline void lldt(uint16_t selector)
{
    __asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}

static inline void ltr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline uint16_t str(void)
{
    uint16_t selector;
    __asm__ volatile("str %0" : "=r"(selector));
    return selector;
}

/* Model specific registers, CPUID, the time stamp counter. */

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

/* Any ring. CPUID also serialises: everything before it is done before anything after it. */
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid c;
    __asm__ volatile("cpuid"
                     : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx)
                     : "a"(leaf), "c"(subleaf)
                     : "memory");
    return c;
}

/* True if CPUID knows this leaf, basic or extended (0x8000xxxx). Any ring. */
static inline bool cpu_has_leaf(uint32_t leaf)
{
    return cpuid(leaf & 0x80000000, 0).eax >= leaf;
}

/* The APIC id that this CPU had at reset: needs no GS, no stack switch and no APIC mapping.
   Any ring. SDM 2A, CPUID leaf 1. */
static inline uint8_t cpuid_apic_id(void)
{
    return (uint8_t)(cpuid(1, 0).ebx >> 24);
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Memory. */

/* Forgets the translation of one page on this CPU. */
static inline void invlpg(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* With CR4.SMAP: opens and closes user pages to ring 0. Without SMAP in CPUID they are #UD. */
static inline void stac(void)
{
    __asm__ volatile("stac" : : : "memory", "cc");
}

static inline void clac(void)
{
    __asm__ volatile("clac" : : : "memory", "cc");
}

/* Copies count machine words (bytes) upwards. FLAGS.DF is clear. Any ring. */
static inline void rep_movsw(void *to, const void *from, size_t count)
{
#ifdef __x86_64__
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#endif
}

static inline void rep_movsb(void *to, const void *from, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

/* Fills count machine words (bytes) upwards. FLAGS.DF is clear. Any ring. */
static inline void rep_stosw(void *to, uintptr_t value, size_t count)
{
#ifdef __x86_64__
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(value) : "memory");
#else
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(value) : "memory");
#endif
}

static inline void rep_stosb(void *to, uint8_t value, size_t count)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
}

#ifdef __x86_64__
/* Swaps the GS base with MSR_KERNEL_GS_BASE. */
static inline void swapgs(void)
{
    __asm__ volatile("swapgs" : : : "memory");
}
#endif

#endif
