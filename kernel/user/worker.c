/*
 * worker: what the other CPUs run.  It says where it is, once, and then works and sleeps in turns:
 * watch it with `cpus 5`, `ps` and, from stage 3 on, `nmi`.  From stage 4 on it also comes to each
 * contest of locks, and starts a child now and then: memory and threads are everybody's then.
 */
#include "lib/print.h"
#include "lib/syscall.h"

enum { CHILD_CODE = 7, TURNS_A_CHILD = 8 };

static unsigned long work(unsigned long n)
{
    for (unsigned i = 0; i < 100000; i++)
        n = n * 1103515245 + 12345;
    return n;
}

static void start_child(void)
{
    long tid = sys_spawn("child");
    if (tid < 0)
        return; /* before stage 4, or there is no room */
    long code = sys_wait(tid);
    if (code != CHILD_CODE)
        printf("worker: thread %ld ended with %ld, not %d\n", tid, code, CHILD_CODE);
}

int main(void)
{
    unsigned long value = 1;

    printf("worker: thread %ld runs on CPU %ld\n", sys_gettid(), sys_getcpu());
    for (unsigned turn = 1;; turn++) {
        value = work(value);
        sys_contest(0, CONTEST_JOIN, 0);
        if (turn % TURNS_A_CHILD == 0)
            start_child();
        sys_sleep(1 + value % 3);
    }
}
