/*
 * toy.c: exercise 8.1.
 */
#include "hole.h"

unsigned toy_double(unsigned x);

/* Gives 2 x, modulo 2 to the 32. */
unsigned toy_double(unsigned x)
{
    /* BEGIN 8.1 */
    return 2 * x;
    /* INSTEAD 8.1 */
    //| HOLE("8.1", "give twice x");
    /* END 8.1 */
}
