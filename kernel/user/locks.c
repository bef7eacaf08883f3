/*
 * locks: all CPUs compete for one lock of the kernel, then for the next kind: how often each had it,
 * and how often it was the same CPU that had it just before.
 */
#include "lib/print.h"
#include "lib/syscall.h"

enum { ROUNDS = 200000 };

static const char *const kinds[] = {"test-and-set", "ticket", "queue", "kernel's"};

static unsigned percent(unsigned part, unsigned whole)
{
    return whole ? (unsigned)((unsigned long)part * 100u / whole) : 0;
}

static void show(const char *name, const struct contest *contest, unsigned cpus)
{
    unsigned sum = 0, again = 0;

    for (unsigned i = 0; i < cpus; i++) {
        sum += contest->taken[i];
        again += contest->again[i];
    }
    printf("%-13s %8u %6u %6u%%  ", name, sum, contest->ticks, percent(again, sum));
    for (unsigned i = 0; i < cpus; i++)
        printf(" %8u", contest->taken[i]);
    printf(contest->total == sum ? "\n" : "  WRONG: the lock let two in\n");
}

int main(void)
{
    static struct cpu_entry entries[CONTEST_CPUS];
    struct contest          contest;
    long                    cpus = sys_cpus(entries, CONTEST_CPUS);

    printf("%-13s %8s %6s %7s   TIMES THAT EACH CPU HAD IT\n", "LOCK", "TAKEN", "TICKS", "AGAIN");
    for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        long error = sys_contest(&contest, kind, ROUNDS);
        if (error < 0) {
            printf("%-13s %s\n", kinds[kind], error_text(error));
            return 1;
        }
        show(kinds[kind], &contest, (unsigned)cpus);
    }
    return 0;
}
