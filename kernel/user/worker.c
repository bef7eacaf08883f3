/*
 * worker: what the other CPUs run.  It says where it is, once, and then works and sleeps in turns:
 * watch it with `cpus 5`, `ps` and, from stage 3 on, `nmi`.
 */
#include "lib/print.h"
#include "lib/syscall.h"

static unsigned long work(unsigned long n)
{
    for (unsigned i = 0; i < 100000; i++)
        n = n * 1103515245 + 12345;
    return n;
}

int main(void)
{
    unsigned long value = 1;

    printf("worker: thread %ld runs on CPU %ld\n", sys_gettid(), sys_getcpu());
    for (;;) {
        value = work(value);
        sys_sleep(1 + value % 3);
    }
}
