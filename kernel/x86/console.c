/*
 * console.c: the serial line and the screen as one.
 */
#include "console.h"

#include <stdbool.h>

#include "keyboard.h"
#include "serial.h"
#include "vga.h"

#define DELETE 0x7f /* what most terminals send for the backspace key */

void console_init(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    serial_init();
    vga_init();
    keyboard_init();
}

void console_write(const char *text, size_t n)
{
    console_init();
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            serial_put('\r');
        serial_put(text[i]);
        vga_put(text[i]);
    }
    vga_cursor();
}

void console_put(char c)
{
    console_write(&c, 1);
}

int console_get(void)
{
    int c;

    console_init();
    c = serial_get();
    if (c < 0)
        c = keyboard_get();
    if (c == '\r')
        return '\n';
    return c == DELETE ? '\b' : c;
}
