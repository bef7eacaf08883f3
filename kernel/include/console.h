/*
 * console.h: the serial line and the screen as one.
 *
 * Takes no lock: until lab 4, CPU 0 alone owns the console. Level: any. NMI: only on the way into a
 * panic.
 */
#ifndef CORRAL_CONSOLE_H
#define CORRAL_CONSOLE_H

#include <stddef.h>

/* Sets up the devices; later calls do nothing. The functions below call it if nobody did. */
void console_init(void);

/* Writes n characters (one) to both; on the serial line \n becomes \r\n. */
void console_write(const char *text, size_t n);
void console_put(char c);

/* The next character from either, or -1. Does not wait. Enter is \n, delete is \b. */
int console_get(void);

#endif
