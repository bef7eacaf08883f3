/*
 * tss.h: the task state segment as the CPU reads it (SDM 3A 8.2.1 and 8.7).
 *
 * In 32 bits the CPU takes SS0:ESP0 from it when ring 3 is interrupted; in 64 bits RSP0, and one of
 * IST 1 to 7 for a gate that names it.  The fields are packed: a 64-bit one is only 4-aligned.
 */
#ifndef CORRAL_TSS_H
#define CORRAL_TSS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __x86_64__

struct tss {
    uint32_t reserved0;
    uint64_t sp0;      /* RSP0: loaded when an interrupt comes from ring 3 */
    uint64_t sp1, sp2;
    uint64_t reserved1;
    uint64_t ist[7];   /* ist[0] is IST 1 */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iopb;     /* offset of the I/O permission bitmap */
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "a 64-bit TSS has 104 bytes");
_Static_assert(offsetof(struct tss, ist) == 36, "IST 1 is at 36");

/* The gates' IST numbers, in the order of enum own_stack. */
#define IST_DF    1
#define IST_NMI   2
#define IST_MC    3
#define IST_DEBUG 4

#else

struct tss {
    uint32_t backlink;
    uint32_t sp0;      /* ESP0 and SS0: loaded when an interrupt comes from ring 3 */
    uint32_t ss0;
    uint32_t sp1, ss1, sp2, ss2;
    uint32_t cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs;
    uint32_t ldt;
    uint16_t trap;
    uint16_t iopb;     /* offset of the I/O permission bitmap */
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "a 32-bit TSS has 104 bytes");

#endif
#endif
