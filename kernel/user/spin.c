/*
 * spin: holds its CPU for some seconds and never offers it to anybody. The others still get
 * their turns: the timer takes the CPU away. Try `run spin &`, then `ps`.
 */
#include "lib/print.h"
#include "lib/syscall.h"

enum { SECONDS = 5 };

/* Some million instructions without a system call; the result keeps the compiler from skipping. */
static unsigned long work(unsigned long n)
{
    for (unsigned i = 0; i < 1000000; i++)
        n = n * 1103515245 + 12345;
    return n;
}

int main(void)
{
    unsigned long start = sys_ticks();
    unsigned long value = 1, rounds = 0;

    while (sys_ticks() - start < SECONDS * TICKS_PER_SECOND) {
        value = work(value);
        rounds++;
    }
    printf("spin: %lu rounds in %d seconds, the last value is %lx\n", rounds, SECONDS, value);
    return 0;
}
