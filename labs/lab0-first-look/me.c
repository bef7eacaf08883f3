/*
 * me.c: exercise 0.1, a number of your own.
 */
#include "faults.h"
#include "hole.h"

/* Anything from 1 to 999999.  Your five faults depend on it, so choose it once. */
uint32_t my_number(void)
{
    HOLE("0.1", "return a number of your own");
}
