/*
 * thread.c: threads for the host.  Their program is `checker`; where they start does not matter,
 * because the host gives them registers.
 */
#include "entry.h"
#include "mm.h"
#include "probe.h"
#include "program.h"

struct thread *probe_thread(bool present)
{
    struct thread *thread = program_start("checker");
    if (thread && present) {
        thread->state = THREAD_RUNNING;
        this_cpu()->current = thread;
        as_activate(thread->as);
    }
    return thread;
}
