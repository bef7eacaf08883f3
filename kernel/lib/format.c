/*
 * format.c: formatted text.
 */
#include "format.h"

#include <stdbool.h>
#include <stdint.h>

#include "string.h"

/* Where the characters go. */
struct sink {
    void (*put)(char c, void *arg);
    void *arg;
};

/* One conversion, as written between the % and its letter. */
struct spec {
    bool   left;      /* pad on the right */
    bool   zero;      /* pad with zeros, behind a sign or 0x */
    size_t width;     /* at least so many characters */
    size_t precision; /* at most so many characters of a string */
    int    longs;     /* 0: int, 1: long or size_t, 2: long long */
};

/* A buffer with an end. */
struct buffer {
    char  *at;
    size_t size;   /* bytes in all */
    size_t length; /* characters that came, also those that did not fit */
};

static void pad(const struct sink *sink, char c, size_t n)
{
    while (n-- > 0)
        sink->put(c, sink->arg);
}

/* Puts prefix and text, n characters, padded to the width: zeros come between the two. */
static void put_text(const struct sink *sink, const struct spec *spec, const char *prefix,
                     const char *text, size_t n)
{
    size_t length = strlen(prefix) + n;
    size_t fill = length < spec->width ? spec->width - length : 0;

    if (!spec->left && !spec->zero)
        pad(sink, ' ', fill);
    while (*prefix != '\0')
        sink->put(*prefix++, sink->arg);
    if (!spec->left && spec->zero)
        pad(sink, '0', fill);
    for (size_t i = 0; i < n; i++)
        sink->put(text[i], sink->arg);
    if (spec->left)
        pad(sink, ' ', fill);
}

/*
 * Divides *n by base (2 to 16) and returns the remainder. In steps of 32 by 32 bits, since a
 * 64-bit division in 32-bit code would be a call into the compiler's library.
 */
static unsigned divide(uint64_t *n, unsigned base)
{
    uint32_t high = (uint32_t)(*n >> 32), low = (uint32_t)*n;
    uint32_t middle = (high % base) << 16 | low >> 16;
    uint32_t last = (middle % base) << 16 | (low & 0xffff);

    *n = (uint64_t)(high / base) << 32 | (uint64_t)(middle / base) << 16 | last / base;
    return last % base;
}

static void put_number(const struct sink *sink, const struct spec *spec, uint64_t n, unsigned base,
                       const char *prefix, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char        text[20]; /* the digits of 2^64 - 1 */
    size_t      at = sizeof(text);

    do
        text[--at] = digits[divide(&n, base)];
    while (n != 0);
    put_text(sink, spec, prefix, text + at, sizeof(text) - at);
}

static uint64_t next_unsigned(va_list *args, int longs)
{
    if (longs == 0)
        return va_arg(*args, unsigned);
    if (longs == 1)
        return va_arg(*args, unsigned long);
    return va_arg(*args, unsigned long long);
}

static int64_t next_signed(va_list *args, int longs)
{
    if (longs == 0)
        return va_arg(*args, int);
    if (longs == 1)
        return va_arg(*args, long);
    return va_arg(*args, long long);
}

/* Reads a number or a *, moves *fmt behind it. */
static size_t next_count(const char **fmt, va_list *args)
{
    size_t n = 0;

    if (**fmt == '*') {
        int count = va_arg(*args, int);

        (*fmt)++;
        return count < 0 ? 0 : (size_t)count;
    }
    while (**fmt >= '0' && **fmt <= '9')
        n = n * 10 + (size_t)(*(*fmt)++ - '0');
    return n;
}

/* Reads what stands between the % and the letter, moves *fmt to the letter. */
static struct spec next_spec(const char **fmt, va_list *args)
{
    struct spec spec = {.precision = SIZE_MAX};

    for (;; (*fmt)++) {
        if (**fmt == '-')
            spec.left = true;
        else if (**fmt == '0')
            spec.zero = true;
        else
            break;
    }
    spec.width = next_count(fmt, args);
    if (**fmt == '.') {
        (*fmt)++;
        spec.precision = next_count(fmt, args);
    }
    for (; **fmt == 'l' || **fmt == 'z'; (*fmt)++)
        spec.longs++;
    return spec;
}

/* Prints one conversion; *fmt stands behind the %, and afterwards behind the letter. */
static void convert(const struct sink *sink, const char **fmt, va_list *args)
{
    const char *start = *fmt;
    struct spec spec = next_spec(fmt, args);
    char        letter = **fmt, c;
    const char *text;
    int64_t     n;
    size_t      length = 0;

    if (letter != '\0')
        (*fmt)++;
    switch (letter) {
    case 'd':
    case 'i':
        n = next_signed(args, spec.longs);
        put_number(sink, &spec, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, n < 0 ? "-" : "", false);
        break;
    case 'u':
        put_number(sink, &spec, next_unsigned(args, spec.longs), 10, "", false);
        break;
    case 'x':
    case 'X':
        put_number(sink, &spec, next_unsigned(args, spec.longs), 16, "", letter == 'X');
        break;
    case 'p':
        put_number(sink, &spec, (uintptr_t)va_arg(*args, void *), 16, "0x", false);
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put_text(sink, &spec, "", &c, 1);
        break;
    case 's':
        text = va_arg(*args, const char *);
        if (text == NULL)
            text = "(null)";
        while (length < spec.precision && text[length] != '\0')
            length++;
        put_text(sink, &spec, "", text, length);
        break;
    case '%':
        sink->put('%', sink->arg);
        break;
    default:
        sink->put('%', sink->arg);
        put_text(sink, &(struct spec){0}, "", start, (size_t)(*fmt - start));
    }
}

void format(void (*put)(char c, void *arg), void *arg, const char *fmt, va_list args)
{
    struct sink sink = {put, arg};
    va_list     rest;

    /* A parameter of this type may be a pointer already; the address of a local one never is. */
    va_copy(rest, args);
    while (*fmt != '\0') {
        char c = *fmt++;

        if (c == '%')
            convert(&sink, &fmt, &rest);
        else
            put(c, arg);
    }
    va_end(rest);
}

static void put_buffer(char c, void *arg)
{
    struct buffer *buffer = arg;

    if (buffer->length + 1 < buffer->size)
        buffer->at[buffer->length] = c;
    buffer->length++;
}

int kvsnprintf(char *buffer, size_t size, const char *fmt, va_list args)
{
    struct buffer to = {buffer, size, 0};

    format(put_buffer, &to, fmt, args);
    if (size > 0)
        buffer[to.length < size ? to.length : size - 1] = '\0';
    return (int)to.length;
}

int ksnprintf(char *buffer, size_t size, const char *fmt, ...)
{
    va_list args;
    int     length;

    va_start(args, fmt);
    length = kvsnprintf(buffer, size, fmt, args);
    va_end(args);
    return length;
}
