/*
 * vga.c: the screen, 80 by 25 characters.
 */
#include "vga.h"

#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "mm.h"
#include "string.h"

#define TEXT_PHYS 0xb8000
#define COLUMNS   80
#define ROWS      25
#define BLANK     0x0720 /* light grey on black, a space */
#define TAB       8

/* The CRT controller: a register's number to the first port, its value to the second. */
#define CRTC        0x3d4
#define CURSOR_HIGH 0x0e
#define CURSOR_LOW  0x0f

static bool     present;
static unsigned row, column;

static uint16_t *cells(void)
{
    return phys_to_virt(TEXT_PHYS);
}

static void blank(unsigned from_row)
{
    for (unsigned i = from_row * COLUMNS; i < ROWS * COLUMNS; i++)
        cells()[i] = BLANK;
}

void vga_init(void)
{
    volatile uint16_t *probe = cells(); /* volatile: what is read may not be what was written */

    *probe = 0x0755;
    present = *probe == 0x0755;
    row = column = 0;
    if (present) {
        blank(0);
        vga_cursor();
    }
}

static void new_line(void)
{
    column = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    memmove(cells(), cells() + COLUMNS, (ROWS - 1) * COLUMNS * sizeof(uint16_t));
    blank(ROWS - 1);
}

void vga_put(char c)
{
    if (!present)
        return;
    switch (c) {
    case '\n':
        new_line();
        break;
    case '\r':
        column = 0;
        break;
    case '\b':
        column -= column > 0;
        break;
    case '\t':
        do
            vga_put(' ');
        while (column % TAB != 0);
        break;
    default:
        cells()[row * COLUMNS + column] = (uint16_t)((BLANK & 0xff00) | (uint8_t)c);
        if (++column == COLUMNS)
            new_line();
    }
}

void vga_cursor(void)
{
    unsigned at = row * COLUMNS + column;

    if (!present)
        return;
    outb(CRTC, CURSOR_HIGH);
    outb(CRTC + 1, (uint8_t)(at >> 8));
    outb(CRTC, CURSOR_LOW);
    outb(CRTC + 1, (uint8_t)at);
}
