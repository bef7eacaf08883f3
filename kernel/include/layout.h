/*
 * layout.h: where things are.  Read by C, by assembly and by the link script.
 *
 *   x86_64                                          i386
 *   0000000000010000  lowest user address           00010000
 *   0000000000400000  programs                      00400000
 *   00007ffffffff000  top of the user's stack       bffff000
 *   ffff800000000000  all of RAM, then devices      c0000000  all of RAM (and the kernel in it)
 *   ffffffff80000000  the kernel's image            f8000000  its code again, writable
 *                                                 f9000000  devices, at their own address
 *
 * The first 64 KiB of every address space are never mapped.
 */
#ifndef CORRAL_LAYOUT_H
#define CORRAL_LAYOUT_H

#ifdef __ASSEMBLER__
#define LAYOUT_UL(x) x
#else
#define LAYOUT_UL(x) x##UL
#endif

#ifdef __x86_64__
#define KERNEL_BASE    LAYOUT_UL(0xffffffff80000000) /* physical 0 as the kernel's image sees it */
#define DIRECT_BASE    LAYOUT_UL(0xffff800000000000) /* physical 0 for everything else */
#define USER_STACK_TOP LAYOUT_UL(0x00007ffffffff000)
#define USER_END       LAYOUT_UL(0x0000800000000000)
#define RAM_LIMIT      LAYOUT_UL(0x40000000) /* RAM above is not used */
#else
#define KERNEL_BASE    LAYOUT_UL(0xc0000000)
#define DIRECT_BASE    LAYOUT_UL(0xc0000000)
#define USER_STACK_TOP LAYOUT_UL(0xbffff000)
#define USER_END       LAYOUT_UL(0xc0000000)
#define RAM_LIMIT      LAYOUT_UL(0x38000000)
#define TEXT_ALIAS     LAYOUT_UL(0xf8000000) /* the kernel's code once more, to be written */
#define DEVICE_BASE    LAYOUT_UL(0xf9000000)
#endif

#define USER_START       0x10000
#define KERNEL_LOAD      0x100000 /* physical address of the image */
#define PAGE_SIZE        4096
#define LARGE_PAGE_SIZE  0x200000

#define MAX_CPUS         8
#define MAX_THREADS      64
#define KSTACK_SIZE      16384 /* each CPU's kernel stack */
#define OWN_STACK_SIZE   8192  /* NMI, double fault, machine check, debug: each CPU has one of each */
#define USER_STACK_SIZE  32768

/* Segment selectors.  The order is what SYSENTER, SYSCALL and SYSRET want (SDM 3A 5.8.7). */
#define KERNEL_CS   0x08
#define KERNEL_DS   0x10
#ifdef __x86_64__
#define USER_CS     0x2b
#else
#define USER_CS     0x1b
#endif
#define USER_DS     0x23
#define TSS_SEL     0x30 /* 16 bytes in 64 bits */
#define PERCPU_SEL  0x43 /* lab 2's: one DPL-3 data segment */
#define DF_TSS_SEL  0x48 /* 32 bits: task gates */
#define MC_TSS_SEL  0x50
#define NMI_TSS_SEL 0x58 /* lab 3's */
#define GDT_SLOTS   12

/* Interrupt vectors.  A vector's level is its top four bits. */
#define VECTOR_DEBUG     1
#define VECTOR_NMI       2
#define VECTOR_BREAKPOINT 3
#define VECTOR_NM        7 /* "device not available": CR0.TS */
#define VECTOR_DF        8
#define VECTOR_GP        13
#define VECTOR_PF        14
#define VECTOR_MC        18
#define VECTOR_DISPATCH  0x2f
#define VECTOR_KEYBOARD  0x31
#define VECTOR_SERIAL    0x41
#define VECTOR_SYSCALL   0x80
#define VECTOR_CLOCK     0xd0
#define VECTOR_IPI       0xe0
#define VECTOR_SPURIOUS  0xff

/* The opaque area of each lab in each thread and in each CPU: bytes, a multiple of 64. */
#define LAB1_AREA_SIZE   512
#define LAB2_AREA_SIZE   128
#define LAB3_AREA_SIZE   1024
#define LAB4_AREA_SIZE   512 /* labs 4 and 5: in CPUs only */
#define LAB5_AREA_SIZE   512
#define LAB6_AREA_SIZE   512 /* in each ring */
#define LAB7_AREA_SIZE   512 /* in the recorder's reader */
#define AREA_CANARY_SIZE 64

#define EFLAGS_IF 0x200
#define EFLAGS_VM 0x20000 /* virtual-8086 mode: ring 3, and CS is not a selector */

#endif
