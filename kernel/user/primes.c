/*
 * primes: computes for a while and knows the right answer. If an interrupt ever gives back
 * a wrong register, the count is wrong and the exit code is 1.
 */
#include <stdbool.h>
#include "lib/print.h"

enum { LIMIT = 200000, RIGHT = 17984 };

static bool is_prime(unsigned n)
{
    if (n < 2 || n % 2 == 0)
        return n == 2;
    for (unsigned d = 3; d * d <= n; d += 2) {
        if (n % d == 0)
            return false;
    }
    return true;
}

int main(void)
{
    unsigned count = 0, last = 0;

    for (unsigned n = 0; n < LIMIT; n++) {
        if (is_prime(n)) {
            count++;
            last = n;
        }
    }
    printf("primes: %u primes below %u, the last is %u\n", count, (unsigned)LIMIT, last);
    if (count == RIGHT)
        return 0;
    printf("primes: that is wrong, it must be %u\n", (unsigned)RIGHT);
    return 1;
}
