/*
 * print.c: formatted text to the console.
 */
#include "print.h"

#include <stddef.h>

#include "format.h"
#include "output.h"

/* Characters on their way: the console moves its cursor once for each piece. */
struct piece {
    char   text[160];
    size_t length;
};

static void flush(struct piece *piece)
{
    output_write(piece->text, piece->length);
    piece->length = 0;
}

static void put_piece(char c, void *arg)
{
    struct piece *piece = arg;

    if (piece->length == sizeof(piece->text))
        flush(piece);
    piece->text[piece->length++] = c;
}

void kvprintf(const char *fmt, va_list args)
{
    struct piece piece;

    piece.length = 0;
    format(put_piece, &piece, fmt, args);
    flush(&piece);
}

void kprintf(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    kvprintf(fmt, args);
    va_end(args);
}
