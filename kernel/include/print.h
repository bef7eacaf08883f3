/*
 * print.h: formatted text to the console.
 */
#ifndef CORRAL_PRINT_H
#define CORRAL_PRINT_H

#include <stdarg.h>

/*
 * Prints to the console (serial line and screen) in the format of format.h. Takes no lock and
 * needs no memory, so it also works in a panic; lines of two CPUs that print at once may mix.
 * Level: any. CPU: any; see output.h. NMI: only on the way into a panic.
 */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

#endif
