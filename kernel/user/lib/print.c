#include "print.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include "string.h"
#include "syscall.h"

/* One conversion: what stands between the % and its letter. */
struct spec {
    bool left;                  /* -: pad on the right   */
    bool zero;                  /* 0: pad with zeros     */
    unsigned width;             /* at least so many bytes */
    unsigned longs;             /* how many l            */
};

static char pending[256];       /* what the present printf has not written yet */
static size_t used;

void write_all(const char *buf, size_t len)
{
    while (len > 0) {
        long taken = sys_write(buf, len);

        if (taken < 0 && taken != -EAGAIN)
            return;
        if (taken > 0) {
            buf += taken;
            len -= (size_t)taken;
        } else {
            sys_yield();        /* full: whoever empties it has to run */
        }
    }
}

static void put(char c)
{
    if (used == sizeof(pending)) {
        write_all(pending, used);
        used = 0;
    }
    pending[used++] = c;
}

static int put_padded(const struct spec *spec, const char *text, size_t len)
{
    size_t pad = spec->width > len ? spec->width - len : 0;
    int total = (int)(len + pad);

    if (spec->zero && *text == '-') {       /* the sign stands before the zeros */
        put(*text++);
        len--;
    }
    for (; !spec->left && pad > 0; pad--)
        put(spec->zero ? '0' : ' ');
    for (; len > 0; len--)
        put(*text++);
    for (; pad > 0; pad--)
        put(' ');
    return total;
}

/*
 * Divides *n by 10, returns the rest. In 16-bit pieces, as on paper: a 64-bit division in
 * i386 code would be a call into the compiler's library, which is not linked.
 */
static unsigned divide_by_10(uint64_t *n)
{
    uint64_t quotient = 0;
    uint32_t rest = 0;

    for (int shift = 48; shift >= 0; shift -= 16) {
        uint32_t piece = rest << 16 | (uint32_t)(*n >> shift & 0xffff);

        quotient = quotient << 16 | piece / 10;
        rest = piece % 10;
    }
    *n = quotient;
    return rest;
}

static int put_number(const struct spec *spec, uint64_t n, bool hex, bool negative)
{
    char text[24];              /* 2^64 has 20 digits */
    char *first = text + sizeof(text);

    do {
        unsigned digit = hex ? (unsigned)(n & 15) : divide_by_10(&n);

        if (hex)
            n >>= 4;
        *--first = "0123456789abcdef"[digit];
    } while (n > 0);
    if (negative)
        *--first = '-';
    return put_padded(spec, first, (size_t)(text + sizeof(text) - first));
}

static uint64_t next_unsigned(va_list *args, unsigned longs)
{
    if (longs >= 2)
        return va_arg(*args, unsigned long long);
    return longs == 1 ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
}

static int64_t next_signed(va_list *args, unsigned longs)
{
    if (longs >= 2)
        return va_arg(*args, long long);
    return longs == 1 ? va_arg(*args, long) : va_arg(*args, int);
}

/* Prints one conversion whose letter is `letter`; an unknown letter prints itself. */
static int convert(struct spec *spec, char letter, va_list *args)
{
    switch (letter) {
    case 'd':
    case 'i': {
        int64_t n = next_signed(args, spec->longs);

        return put_number(spec, n < 0 ? -(uint64_t)n : (uint64_t)n, false, n < 0);
    }
    case 'u':
        return put_number(spec, next_unsigned(args, spec->longs), false, false);
    case 'x':
        return put_number(spec, next_unsigned(args, spec->longs), true, false);
    case 'p':                   /* all digits: an address is easier to compare so */
        spec->zero = true;
        spec->width = 2 * sizeof(void *);
        return put_number(spec, (uintptr_t)va_arg(*args, void *), true, false);
    case 's': {
        const char *s = va_arg(*args, const char *);

        spec->zero = false;
        return put_padded(spec, s, strlen(s));
    }
    case 'c':
        letter = (char)va_arg(*args, int);
        break;
    }
    put(letter);
    return 1;
}

int printf(const char *format, ...)
{
    va_list args;
    int total = 0;

    va_start(args, format);
    for (; *format; format++) {
        struct spec spec = {0};

        if (*format != '%') {
            put(*format);
            total++;
            continue;
        }
        for (format++; *format == '-' || *format == '0'; format++) {
            spec.left |= *format == '-';
            spec.zero |= *format == '0';
        }
        if (*format == '*') {
            spec.width = va_arg(args, unsigned);
            format++;
        }
        for (; *format >= '0' && *format <= '9'; format++)
            spec.width = spec.width * 10 + (unsigned)(*format - '0');
        for (; *format == 'l'; format++)
            spec.longs++;
        if (!*format)
            break;
        total += convert(&spec, *format, &args);
    }
    va_end(args);

    write_all(pending, used);
    used = 0;
    return total;
}
