/* print.h: text to the console. */
#ifndef USER_PRINT_H
#define USER_PRINT_H

#include <stddef.h>

/*
 * Writes all `len` bytes, however often the console takes only some of them; gives up, and
 * loses the rest, at any error but -EAGAIN.
 */
void write_all(const char *buf, size_t len);

/*
 * The usual printf with %d %i %u %x %p %s %c %%, the flags - and 0, a width (or *), and
 * l or ll. No floating point, no precision. Up to 256 bytes go to the console in one system call,
 * so that a line is not torn by another program. Returns the bytes written.
 */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A short phrase for the negative result of a system call, for use after "cannot ...: ". */
const char *error_text(long result);

#endif
