/*
 * record.c: exercises 7.1 and 7.3, events into the log of their CPU, and out of all of them in order.
 */
#include "entry.h"
#include "hole.h"
#include "lab7.h"
#include "percpu.h"
#include "string.h"
#include "x86.h"

/* BEGIN 7.1 */
static uint32_t numbers[MAX_CPUS]; /* of the next event; each CPU's own, but for its own NMIs */
/* INSTEAD 7.1 */
/* END 7.1 */

void trace_init(void)
{
    /* BEGIN 7.1 */
    for (unsigned cpu = 0; cpu < ncpus; cpu++)
        logring_init(&trace_logs[cpu], TRACE_RECORDS, 0);
    /* INSTEAD 7.1 */
    //| /* One log for each CPU: see logring.h, your own lab 6. */
    /* END 7.1 */
}

void trace_hit(uint32_t kind, uint64_t value)
{
    /* BEGIN 7.1 */
    const struct cpu    *cpu = this_cpu();
    struct thread       *thread = cpu->current;
    /* One instruction, because an NMI may come here and take the next number. */
    uint32_t             number = __atomic_fetch_add(&numbers[cpu->id], 1, __ATOMIC_RELAXED);
    struct trace_event  *event = logring_reserve(&trace_logs[cpu->id], sizeof(*event));
    if (!event)
        return;
    *event = (struct trace_event){
        .stamp = rdtsc(), /* an NMI in the middle may be earlier, and lies behind: it is nested */
        .value = value,
        .ip = thread ? thread_regs(thread)->ip : 0,
        .kind = kind,
        .cpu = cpu->id,
        .tid = thread ? thread->tid : 0,
        .number = number,
    };
    logring_commit(&trace_logs[cpu->id], event);
    /* INSTEAD 7.1 */
    //| /*
    //|  *   1  the event's number, in one instruction (who may come in between?)
    //|  *   2  room in this CPU's log; none: the number is used up all the same
    //|  *   3  its fields, the thread's saved registers among them; then it is whole
    //|  */
    //| HOLE("7.1", "record an event in the log of this CPU");
    /* END 7.1 */
}

/* BEGIN 7.3 */
/* The next event of each CPU, taken out of its log already; only the reader is here. */
static struct {
    bool               there;
    struct trace_event event;
} next[MAX_CPUS];

/* Whether there is one of this CPU, after another look at its log. */
static bool look(unsigned cpu)
{
    struct log_record record;
    if (!next[cpu].there && logring_read(&trace_logs[cpu], &record)) {
        memcpy(&next[cpu].event, record.bytes, sizeof(next[cpu].event));
        next[cpu].there = true;
    }
    return next[cpu].there;
}
/* INSTEAD 7.3 */
/* END 7.3 */

bool trace_next(struct trace_event *to)
{
    /* BEGIN 7.3 */
    int first = -1;
    for (unsigned cpu = 0; cpu < ncpus; cpu++)
        if (look(cpu) && (first < 0 || next[cpu].event.stamp < next[first].event.stamp))
            first = (int)cpu;
    if (first < 0)
        return false;
    *to = next[first].event;
    next[first].there = false;
    return true;
    /* INSTEAD 7.3 */
    //| /* The logs can only be read from their front.  Of the fronts, which is the earliest, and what
    //|    becomes of the others? */
    //| HOLE("7.3", "take the earliest event of all CPUs");
    /* END 7.3 */
}
