/*
 * sysnum.h: the system calls, as the kernel and the ring-3 programs both see them.
 *
 *                 x86_64            i386
 *     enter       int $0x80         int $0x80
 *     number      rax               eax
 *     arguments   rdi, rsi, rdx     ebx, ecx, edx
 *     result      rax               eax            (0 or more, or -E..., see errno.h)
 *
 * Every other register comes back as it was. All structures have the same layout in both
 * widths, so that one reader on the host understands both.
 */
#ifndef CORRAL_SYSNUM_H
#define CORRAL_SYSNUM_H

#include "errno.h"

/*      name              number   arguments            result                              */
#define SYS_EXIT             1  /* code                 does not return                     */
#define SYS_WRITE            2  /* buf, len             bytes taken, may be fewer than len  */
#define SYS_READ             3  /* buf, len             bytes read, 0 if there is no input  */
#define SYS_YIELD            4  /*                      0                                   */
#define SYS_SPAWN            5  /* name                 thread id                           */
#define SYS_WAIT             6  /* tid                  its exit code, once it has ended    */
#define SYS_PS               7  /* ps_entry *, max      entries written                     */
#define SYS_CPUS             8  /* cpu_entry *, max     entries written                     */
#define SYS_HALT             9  /*                      does not return                     */
#define SYS_SLEEP           10  /* ticks                0, when they have passed            */
#define SYS_TICKS           11  /*                      ticks since the start               */
#define SYS_GETTID          12  /*                      thread id                           */
#define SYS_WAIT_INPUT      13  /*                      0, once SYS_READ would give bytes   */
#define SYS_PROGRAMS        14  /* buf, len             bytes written: names, each with \n  */
#define SYS_GETCPU          15  /*                      the CPU of the calling thread       */
#define SYS_SET_GS          16  /* address              0; 64 bits: it is the base of GS    */
#define SYS_NMI             17  /* cpu                  0, when an NMI was sent there       */
#define SYS_CONTEST         18  /* contest *, kind, rounds   0: see struct contest          */
#define SYS_CORRAL          19  /* corral_entry *, max, again  entries written; see below   */

#define SYS_RING_MAP        20  /* slots                0: the ring is at RING_USER; from stage 6 */
#define SYS_RING_GRANT      21  /* offset, length       a handle for bytes of RING_DATA      */
#define SYS_RING_REVOKE     22  /* handle               0                                   */
#define SYS_RING_DOORBELL   23  /*                      0, when the kernel has looked       */
#define SYS_RING_SEEN       24  /* ring_seen *          0                                   */
#define SYS_LOG_READ        25  /* log_record *, u32 *  1, or 0 if there is no record; lost */

/* The same bytes without a ring, to compare: for a program that has one, so from stage 6 on. */
#define SYS_SEND            26  /* from, length, cookie  0, when the kernel has seen the bytes */
#define SYS_SEND_MANY       27  /* sent *, count        how many it has seen, from the first on */
#define SYS_SEND_PENDING    28  /* as SYS_SEND          the next clock tick, once it has come */

#define SYS_TRACE           29  /* kind, on             0: see trace_abi.h; from stage 7     */
#define SYS_TRACE_MAP       30  /*                      0: the recorder is at TRACE_KERNEL  */
#define SYS_TRACE_PULL      31  /*                      events moved there                  */

/*
 * On another CPU than 0, calls that need input give -EBUSY, and until stage 4 all that need memory,
 * programs or other CPUs.
 */

/* A program that an exception ended has the exit code EXIT_KILLED + vector. */
#define EXIT_KILLED        128

#define TICKS_PER_SECOND   100

#define NAME_MAX_BYTES      16  /* a program's name, its NUL counted                        */

#ifndef __ASSEMBLER__

#include <stdint.h>

enum ps_state {
    PS_READY   = 0,
    PS_RUNNING = 1,
    PS_WAITING = 2,
    PS_DEAD    = 3,             /* ended; kept until somebody waits for it */
};

/* One thread, for SYS_PS. */
struct ps_entry {
    uint32_t tid;
    uint32_t state;             /* enum ps_state                           */
    uint32_t cpu;               /* where it runs, or ran last              */
    uint32_t ticks;             /* timer ticks that found it running       */
    uint64_t ip;                /* where it was in ring 3 when last left   */
    char name[NAME_MAX_BYTES];  /* always ends in NUL                      */
};

/* One CPU, for SYS_CPUS. */
struct cpu_entry {
    uint32_t id;                /* the kernel's number, from 0             */
    uint32_t apic_id;           /* the hardware's number                   */
    uint32_t online;            /* 1 once it has started                   */
    uint32_t current_tid;       /* 0 = idle                                */
    uint32_t interrupts;        /* device and timer interrupts taken       */
    uint32_t ticks;             /* timer ticks taken                       */
    uint32_t idle_ticks;        /* of these, the ones that found it idle   */
    uint32_t nmis;              /* NMIs taken                              */
    uint64_t nmi_ip;            /* where the last of them found it         */
    char nmi_place[32];         /* the same as name+offset, or empty       */
};

/*
 * A contest of all CPUs for one lock, for SYS_CONTEST: each takes it again and again, until it was
 * taken `rounds` times in all or CONTEST_TICKS have passed.  kind CONTEST_JOIN is for threads of other
 * CPUs: they take part in the contest that is open, if one is, and give 1 then.  -EBUSY: another one
 * is on already.  Until stage 4: -ENOSYS.
 */
enum contest_kind { CONTEST_TAS, CONTEST_TICKET, CONTEST_QUEUED, CONTEST_SPIN, CONTEST_JOIN };
#define CONTEST_TICKS 50
#define CONTEST_CPUS  8

struct contest {
    uint32_t ticks;               /* that it took                                     */
    uint32_t taken[CONTEST_CPUS]; /* how often each CPU had the lock                   */
    uint32_t again[CONTEST_CPUS]; /* of these, how often it was the one before, too    */
    uint32_t total;               /* a plain counter in the lock: the sum, or it failed */
};

_Static_assert(sizeof(struct contest) == 72, "both widths share this layout");

/*
 * One CPU, for SYS_CORRAL.  Each clock interrupt calls a small function of the kernel.  If `again` is
 * 0, every CPU is stopped, the function is written over, and they go on.  Else nothing is changed.
 */
struct corral_entry {
    uint32_t id;                /* the kernel's number, from 0             */
    uint32_t before;            /* what the function gave, on this CPU ... */
    uint32_t after;             /* ... and then, all of them at once       */
    uint32_t ticks_old;         /* clock interrupts that saw it as before, */
    uint32_t ticks_new;         /* as it is now,                           */
    uint32_t ticks_other;       /* or something else: never                */
};

/* What the kernel has seen of the present program, for SYS_RING_SEEN; all modulo 2^32. */
struct ring_seen {
    uint32_t taken;             /* good descriptors,                       */
    uint32_t bytes;             /* their bytes,                            */
    uint32_t sum;               /* and these added up                      */
    uint32_t refused;           /* descriptors that were not good          */
};

/* What SYS_SEND_MANY is given for each; the same in both widths. */
#define SENT_BYTES 256          /* of each, at most */
struct sent {
    uint64_t from;
    uint32_t length;
    uint32_t cookie;
};

/* What the kernel writes into its log: the bytes of a struct log_record (logring.h). */
enum log_kind { LOG_NMI, LOG_START, LOG_END };
struct log_event {
    uint32_t kind;              /* enum log_kind                           */
    uint32_t ticks;             /* of the CPU that wrote it                */
    uint64_t place;             /* what was interrupted, or a program's thread id */
    uint32_t tid;               /* of the thread there; 0: idle            */
    uint32_t unused;
};

_Static_assert(sizeof(struct sent) == 16, "both widths share this layout");
_Static_assert(sizeof(struct ring_seen) == 16, "both widths share this layout");
_Static_assert(sizeof(struct log_event) == 24, "both widths share this layout");
_Static_assert(sizeof(struct corral_entry) == 24, "both widths share this layout");
_Static_assert(sizeof(struct ps_entry) == 40, "both widths share this layout");
_Static_assert(sizeof(struct cpu_entry) == 72, "both widths share this layout");

#endif /* __ASSEMBLER__ */
#endif
