/*
 * format.h: formatted text.
 *
 *   %d %i %u %x %X %c %s %p %%      with l, ll and z before d, i, u, x and X
 *   %-8s %8u %08x %*u               left, width, zero-padded, width as an argument
 *   %.5s %.*s                       at most so many characters of a string
 *
 * A null string prints as "(null)"; an unknown conversion prints as it stands. No function here
 * allocates or locks. Level: any. CPU: any. NMI: yes.
 */
#ifndef CORRAL_FORMAT_H
#define CORRAL_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Formats to put(c, arg), one call a character. */
void format(void (*put)(char c, void *arg), void *arg, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/*
 * Formats into a buffer of size bytes, cut to fit, ended by a 0 if size is not 0.
 * Returns the length of the whole text: it was cut if that is size or more.
 */
int kvsnprintf(char *buffer, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
int ksnprintf(char *buffer, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
