/*
 * output.h: text for the console from any CPU.
 *
 * The console is CPU 0's.  Each other CPU writes into a ring of its own, which CPU 0 empties: one
 * writer, one reader, nothing else shared.
 */
#ifndef CORRAL_OUTPUT_H
#define CORRAL_OUTPUT_H

#include <stddef.h>

/*
 * Prints at once on CPU 0, and on the CPU that panics; on another the text waits for output_drain(),
 * and what its ring has no room for is dropped.  Interrupts: any.  Not from an NMI.
 */
void output_write(const char *text, size_t size);

/* Prints the whole lines of the other CPUs, unless CPU 0 is in the middle of its own.  CPU 0. */
void output_drain(void);

#endif
