/*
 * trace.h: the contract of lab 7, the flight recorder.
 *
 * Each CPU records what happens on it, at any level and in NMIs, in a log of its own.  Trace points cost
 * five bytes of NOP until they are switched on.  A program of ring 3 reads the timeline of all CPUs out
 * of memory that it shares with the kernel.
 */
#ifndef CORRAL_TRACE_H
#define CORRAL_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "logring.h"
#include "mm.h"
#include "trace_abi.h"

struct trace_reader;

#define STAGE_TRACE   7
#define TRACE_RECORDS 64 /* of each CPU's log */

/* ---- written in lab 7; all of it leaves the level and IF as they were ---- */

/* Makes each CPU's log, in trace_logs[].  CPU 0, once, before anything is switched on. */
void trace_init(void);

/*
 * Records an event of this CPU; if its log is full, the event is dropped and its number with it.  Any
 * level, with interrupts on or off, an NMI too, which may have interrupted another trace_hit() here.
 * Never waits.
 */
void trace_hit(uint32_t kind, uint64_t value);

/*
 * Switches the trace points of a kind on or off, in the kernel's code while all CPUs execute it: by
 * text_poke(), `jmp` to site->hit or the five-byte NOP.  An NMI must not meet text_poke()'s INT3 (its
 * IRET would let the next NMI in), so for TRACE_NMI there is no site but trace_nmi_on.  False:
 * text_poke() was refused.  Any CPU, several at a time, PASSIVE with interrupts on.
 */
bool trace_set(uint32_t kind, bool on);

/*
 * The timeline: of the events that are whole and next in their CPU's log, the one with the lowest
 * stamp.  False: there is none.  One CPU at a time, DISPATCH or below.
 */
bool trace_next(struct trace_event *to);

/*
 * Makes the two pages of a reader and maps them into `as` as trace_abi.h says, none executable; both
 * counts are 0.  0 or -ENOMEM, and all is as before.  And frees them: the program of `as` has ended.
 * One CPU at a time, DISPATCH or below.
 */
int  trace_map(struct trace_reader *reader, struct address_space *as);
void trace_unmap(struct trace_reader *reader);

/*
 * Moves events from the timeline into the reader's slots, as long as there are both.  How many; a slot
 * that the program has not read is never written over, and no event is lost.  TRACE_LIES: its count
 * cannot be, and nothing was moved; the next call looks again.  As trace_next().
 */
int trace_export(struct trace_reader *reader);

/* Not 0: knmi() calls trace_hit(TRACE_NMI, ..). */
extern uint32_t trace_nmi_on;

/* ---- given ---- */

#define TRACE_LIES (-1)

/* Who reads; the lab's own fields are in `lab7`. */
LAB_AREA(lab7_area, LAB7_AREA_SIZE);
struct trace_reader {
    struct address_space *as;     /* NULL: nobody reads */
    void                 *user;   /* the pages as the kernel sees them: set by trace_map() */
    void                 *kernel;
    struct lab7_area      lab7 __attribute__((aligned(64)));
};
extern struct trace_reader trace_reader;

extern struct logring trace_logs[MAX_CPUS];

/* Every trace point: its five bytes, where they jump to while it is on, its kind. */
struct trace_site {
    uintptr_t at;
    uintptr_t hit;
    uintptr_t kind;
};
extern const struct trace_site trace_sites[], trace_sites_end[];

/*
 * A trace point: five bytes of NOP, or a jump to where the event is recorded.  `kind` is a constant.
 * Any level, but not in an NMI.
 */
#ifdef __x86_64__
#define TRACE_WORD ".quad"
#else
#define TRACE_WORD ".long"
#endif
#define TRACE_POINT(kind, value)                                                          \
    do {                                                                                  \
        __label__ hit;                                                                    \
        __asm__ goto("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"                          \
                     ".pushsection .corral.trace, \"a\"\n\t"                              \
                     ".balign 4\n\t" TRACE_WORD " 1b, %l[hit], %c0\n\t"                   \
                     ".popsection" : : "i"(kind) : : hit);                                \
        if (0) {                                                                          \
        hit:                                                                              \
            trace_hit(kind, value);                                                       \
        }                                                                                 \
    } while (0)

/* CPU 0's deferred work at each clock interrupt, while somebody reads. */
void trace_service(void);

/* The program of an address space has ended. */
void trace_exit(struct address_space *as);

static inline void *lab7_reader_area(struct trace_reader *reader)
{
    return reader->lab7.bytes;
}

#endif
