/*
 * lab7.h: what this lab keeps, and what its files share.
 */
#ifndef CORRAL_LAB7_H
#define CORRAL_LAB7_H

#include "trace.h"

/* What must the kernel know of its reader by itself?  Its place: lab7_reader_area(reader). */
struct lab7_reader {
    uint32_t unused;
};
_Static_assert(sizeof(struct lab7_reader) <= LAB7_AREA_SIZE, "the area is too small");

#endif
