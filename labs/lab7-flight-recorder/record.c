/*
 * record.c: exercises 7.1 and 7.3, events into the log of their CPU, and out of all of them in order.
 */
#include "entry.h"
#include "hole.h"
#include "lab7.h"
#include "percpu.h"
#include "string.h"
#include "x86.h"


void trace_init(void)
{
    /* One log for each CPU: see logring.h, your own lab 6. */
}

void trace_hit(uint32_t kind, uint64_t value)
{
    /*
     *   1  the event's number, in one instruction (who may come in between?)
     *   2  room in this CPU's log; none: the number is used up all the same
     *   3  its fields, the thread's saved registers among them; then it is whole
     */
    HOLE("7.1", "record an event in the log of this CPU");
}


bool trace_next(struct trace_event *to)
{
    /* The logs can only be read from their front.  Of the fronts, which is the earliest, and what
       becomes of the others? */
    HOLE("7.3", "take the earliest event of all CPUs");
}
