/*
 * output.h: text for the console from any CPU.
 *
 * Before stage 4 the console is CPU 0's.  Each other CPU writes into a ring of its own, which CPU 0
 * empties: one writer, one reader, nothing else shared.  From stage 4 on it is everybody's.
 */
#ifndef CORRAL_OUTPUT_H
#define CORRAL_OUTPUT_H

#include <stddef.h>

/*
 * Prints at once on the CPU that panics, and before stage 4 on CPU 0; on another the text waits for
 * output_drain(), and what its ring has no room for is dropped.  From stage 4 on it prints, or leaves
 * the text to the CPU that prints just now: at PASSIVE level it may wait for room, above that text
 * without room is dropped; 256 bytes stay together.  Interrupts: any.  Not from an NMI.
 */
void output_write(const char *text, size_t size);

/*
 * Prints the whole lines of the other CPUs, unless CPU 0 is in the middle of its own; from
 * stage 4 on, what nobody prints.  At CLOCK level, CPU 0.
 */
void output_drain(void);

#endif
