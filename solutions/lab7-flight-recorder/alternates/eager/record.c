/*
 * record.c: exercises 7.1 and 7.3, events into the log of their CPU, and out of all of them in order.
 */
#include "entry.h"
#include "lab7.h"
#include "percpu.h"
#include "string.h"
#include "x86.h"

static uint32_t numbers[MAX_CPUS]; /* of the next event; each CPU's own, but for its own NMIs */

void trace_init(void)
{
    for (unsigned cpu = 0; cpu < ncpus; cpu++)
        logring_init(&trace_logs[cpu], TRACE_RECORDS, 0);
}

void trace_hit(uint32_t kind, uint64_t value)
{
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
}

#define AHEAD 4

/* The next events of each CPU, oldest first, taken out of its log already; only the reader is here. */
static struct {
    uint32_t           taken, given;
    struct trace_event events[AHEAD];
} lines[MAX_CPUS];

/* The oldest event of a CPU, after another look at its log, or NULL. */
static const struct trace_event *look(unsigned cpu)
{
    struct log_record record;
    while (lines[cpu].taken - lines[cpu].given < AHEAD && logring_read(&trace_logs[cpu], &record))
        memcpy(&lines[cpu].events[lines[cpu].taken++ % AHEAD], record.bytes, sizeof(struct trace_event));
    return lines[cpu].taken == lines[cpu].given ? 0 : &lines[cpu].events[lines[cpu].given % AHEAD];
}

bool trace_next(struct trace_event *to)
{
    const struct trace_event *first = 0;
    unsigned                  its = 0;
    for (unsigned cpu = ncpus; cpu-- > 0;) {
        const struct trace_event *event = look(cpu);
        if (event && (!first || event->stamp < first->stamp)) {
            first = event;
            its = cpu;
        }
    }
    if (!first)
        return false;
    *to = *first;
    lines[its].given++;
    return true;
}
