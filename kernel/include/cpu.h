/*
 * cpu.h: what the kernel keeps for each CPU.
 */
#ifndef CORRAL_CPU_H
#define CORRAL_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "tss.h"

/* The four vectors with a stack of their own; the index is also that of the stack. */
enum own_stack { OWN_DF, OWN_NMI, OWN_MC, OWN_DEBUG, OWN_STACKS };

/* SYSENTER arrives with room for one frame: a debug exception can come before its first instruction. */
#define SYSENTER_WORDS 32

/* A lab's state, opaque to the kernel.  The host writes and checks the canaries. */
#define LAB_AREA(lab, size)                                   \
    struct lab {                                              \
        uint8_t below[AREA_CANARY_SIZE];                      \
        uint8_t bytes[size] __attribute__((aligned(64)));     \
        uint8_t above[AREA_CANARY_SIZE];                      \
    }
LAB_AREA(lab1_area, LAB1_AREA_SIZE);
LAB_AREA(lab2_area, LAB2_AREA_SIZE);
LAB_AREA(lab3_area, LAB3_AREA_SIZE);
LAB_AREA(lab4_area, LAB4_AREA_SIZE);
LAB_AREA(lab5_area, LAB5_AREA_SIZE);

/* For the grader: fields of each size, side by side, and what it counts in them. */
struct probe_cpu {
    uintptr_t word;
    uint32_t  count;
    uint16_t  half;
    uint8_t   before, byte, after;
};

struct thread;
struct address_space;
struct interrupted;

/* From lab 2 on this is what %gs:0 shows; its size is below 64 KiB. */
struct cpu {
    struct cpu           *self;           /* its own address, for code that has only GS */
    unsigned              id;             /* its index in cpus[] */
    uint8_t               apic_id;
    bool                  online;         /* stored with release by the CPU itself */
    uintptr_t             kstack_top;     /* 16-aligned; the one kernel stack of this CPU */
    uintptr_t             own_top[OWN_STACKS];
    struct thread        *current;        /* NULL while idle */
    struct address_space *as;             /* what CR3 holds */
    bool                  resched;        /* the present thread's turn is over */
    uint32_t              ticks;          /* clock interrupts seen */
    uint32_t              idle_ticks;     /* ... of these, while idle */
    uint32_t              interrupts;     /* device interrupts seen */
    uint32_t              nmis;           /* NMIs seen */
    uintptr_t             nmi_ip;         /* where the last one found this CPU */
    uint32_t              machine_checks; /* ... that it survived */
    bool                  released;       /* an AP may run its threads; stored with release by CPU 0 */
    struct interrupted   *interrupted;    /* by its handlers, innermost first: intr.h */
    bool                  nmi_ready;      /* its NMIs have a place; stored with release by itself */
    struct probe_cpu      probe;
    struct tss            tss __attribute__((aligned(16)));
    uint64_t              gdt[GDT_SLOTS] __attribute__((aligned(16)));
    struct lab1_area      lab1 __attribute__((aligned(64)));
    struct lab2_area      lab2 __attribute__((aligned(64)));
    struct lab3_area      lab3 __attribute__((aligned(64)));
    struct lab4_area      lab4 __attribute__((aligned(64)));
    struct lab5_area      lab5 __attribute__((aligned(64)));
#ifndef __x86_64__
    struct tss            df_tss __attribute__((aligned(16))); /* for task gates */
    struct tss            mc_tss __attribute__((aligned(16)));
    struct tss            nmi_tss __attribute__((aligned(16))); /* lab 3's to use, or not */
    uint32_t              sysenter_stack[SYSENTER_WORDS]; /* until syscall_entry has a better one */
#endif
} __attribute__((aligned(64)));

extern struct cpu cpus[MAX_CPUS]; /* cpus[0] is the boot CPU */
extern unsigned   ncpus;          /* how many of them there are */

/* The CPU that runs this.  Any level; an NMI may call it.  Written in lab 2: see percpu.h. */
struct cpu *this_cpu(void);

#endif
