/* count: counts slowly. Start it a few times with & and watch the threads take turns. */
#include "lib/print.h"
#include "lib/syscall.h"

enum { LAST = 5 };

int main(void)
{
    long tid = sys_gettid();

    for (int i = 1; i <= LAST; i++) {
        printf("count: thread %ld says %d of %d\n", tid, i, LAST);
        sys_sleep(TICKS_PER_SECOND / 2);
    }
    return 0;
}
