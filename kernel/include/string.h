/*
 * string.h: memory and strings, the subset of C's <string.h> that the kernel and the compilers
 * need.
 *
 * All lengths are bytes. No function allocates, locks or fails. Level: any. CPU: any.
 * NMI: yes. FLAGS.DF must be clear, as the ABI says.
 */
#ifndef CORRAL_STRING_H
#define CORRAL_STRING_H

#include <stddef.h>

/* Copies n bytes; the two areas must not overlap. Returns to. */
void *memcpy(void *to, const void *from, size_t n);

/* Copies n bytes; the two areas may overlap. Returns to. */
void *memmove(void *to, const void *from, size_t n);

/* Sets n bytes to (unsigned char)value. Returns to. */
void *memset(void *to, int value, size_t n);

/* Compares n bytes: < 0, 0 or > 0, as a is below, equal to or above b. */
int memcmp(const void *a, const void *b, size_t n);

/* The length of s without its final 0. */
size_t strlen(const char *s);

/* Compares two strings like memcmp(); strncmp() looks at no more than n characters. */
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/*
 * Copies from to the buffer to of size bytes, cut to fit, and ends it with a 0 if size is not 0.
 * Returns the length of from: the result was cut if that is size or more.
 */
size_t strlcpy(char *to, const char *from, size_t size);

#endif
