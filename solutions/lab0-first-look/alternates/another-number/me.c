/*
 * me.c: another number.
 */
#include "faults.h"

/* Anything from 1 to 999999.  Your five faults depend on it, so choose it once. */
uint32_t my_number(void)
{
    return 31415;
}
