/*
 * probe_traces.h: the flight recorder for the host, which calls these.
 */
#ifndef CORRAL_PROBE_TRACES_H
#define CORRAL_PROBE_TRACES_H

#include <stdint.h>

#include "thread.h"
#include "trace.h"

extern struct trace_event probe_event;

/* trace_hit() with a value that fits a register, and `more` times again; RDTSC before and behind. */
void            probe_trace_hit(uintptr_t kind, uintptr_t value, uintptr_t more);
extern uint64_t probe_trace_times[2];

/* CPU 0 first, then each other: the counters of time so far below 2^32, where they can be written. */
void probe_clock_near(uintptr_t below);

/* `times` trips past a trace point of its own for each kind but TRACE_NMI. */
void probe_trace_points(uintptr_t kind, uintptr_t value, uintptr_t times);

/* trace_next() into probe_event; the next event in a CPU's log. */
bool probe_trace_next(void);
bool probe_trace_logged(uintptr_t cpu);

/* trace_set() of probe_trace_kind, to probe_trace_on; in the form that probe_then_rest() calls. */
extern uint32_t probe_trace_kind, probe_trace_on;
uintptr_t       probe_trace_set(uintptr_t unused);

/* trace_map() for a thread's program, trace_export(), of trace_reader. */
int probe_trace_map(struct thread *thread);
int probe_trace_export(void);

#endif
