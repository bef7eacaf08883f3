/*
 * serial.h: the first serial line, COM1: 115200 bits a second, 8 data bits, no parity, 1 stop bit.
 *
 * Level: any. CPU: any that owns the console. NMI: only on the way into a panic.
 */
#ifndef CORRAL_SERIAL_H
#define CORRAL_SERIAL_H

#include <stdbool.h>

/* Sets the line up, its interrupt off. Without a serial port the functions below do nothing. */
void serial_init(void);

/* Sends one byte. Waits a bounded time for room; the bytes that find none are dropped. */
void serial_put(char c);

/* The next byte that came, or -1. Does not wait. */
int serial_get(void);

/* Waits, a bounded time, until all bytes are on the wire: before the power goes off. */
void serial_flush(void);

/* Makes each byte that comes raise ISA interrupt 4, or not. */
void serial_interrupt(bool on);

/*
 * From now on output does not wait for the line: for a machine whose devices stand still while one
 * CPU is stepped, as in a graded boot.  CPU 0.
 */
void serial_never_wait(void);

#endif
