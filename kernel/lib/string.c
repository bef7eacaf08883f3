/*
 * string.c: memory and strings.
 *
 * Copying and filling use the string instructions: a C loop here could be compiled into a call of
 * the very function that it implements.
 */
#include "string.h"

#include <stdint.h>

#include "x86.h"

#define WORD sizeof(uintptr_t)

void *memcpy(void *to, const void *from, size_t n)
{
    size_t bulk = n - n % WORD;

    rep_movsw(to, from, n / WORD);
    rep_movsb((char *)to + bulk, (const char *)from + bulk, n % WORD);
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    char       *t = to;
    const char *f = from;

    /* Upwards is right unless the target starts inside the source. */
    if ((uintptr_t)t - (uintptr_t)f >= n)
        return memcpy(to, from, n);

    /* Downwards byte by byte, and never with DF set: an interrupt would meet it. */
    while (n > 0) {
        n--;
        t[n] = f[n];
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    size_t    bulk = n - n % WORD;
    uintptr_t word = (uint8_t)value * (UINTPTR_MAX / 0xff);

    rep_stosw(to, word, n / WORD);
    rep_stosb((char *)to + bulk, (uint8_t)value, n % WORD);
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];

        if (x != y)
            return x < y ? -1 : 1;
        if (x == '\0')
            break;
    }
    return 0;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);

    if (size > 0) {
        size_t n = length < size ? length : size - 1;

        memcpy(to, from, n);
        to[n] = '\0';
    }
    return length;
}
