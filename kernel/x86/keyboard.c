/*
 * keyboard.c: the PS/2 keyboard. The controller translates to scan codes of set 1, as the BIOS
 * left it.
 */
#include "keyboard.h"

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

#define DATA         0x60
#define STATUS       0x64
#define STATUS_FULL  0x01 /* a byte is waiting */
#define STATUS_MOUSE 0x20 /* ... and it is the mouse's */

#define RELEASED   0x80 /* or'ed to a key's code when it goes up */
#define EXTENDED   0xe0 /* the next code is of a key that the first keyboards did not have */
#define KEY_CTRL   0x1d
#define KEY_LSHIFT 0x2a
#define KEY_RSHIFT 0x36
#define BYTES_MAX  64 /* more than the controller can hold */

/* Characters by scan code, plain and with Shift. */
static const char plain[] =
    "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof(plain) == 0x3b && sizeof(shifted) == sizeof(plain), "one for each key");

static bool shift, ctrl, extended;

void keyboard_init(void)
{
    for (unsigned i = 0; i < BYTES_MAX && (inb(STATUS) & STATUS_FULL); i++)
        inb(DATA);
}

/* Takes one code; the character, or -1 if it does not make one. */
static int translate(uint8_t code)
{
    uint8_t key = code & (uint8_t)~RELEASED;
    bool    down = !(code & RELEASED), was_extended = extended;
    char    c;

    extended = code == EXTENDED;
    if (extended)
        return -1;
    if (key == KEY_CTRL)
        ctrl = down;
    /* Extended keys send Shifts of their own around them, which are not the person's. */
    if ((key == KEY_LSHIFT || key == KEY_RSHIFT) && !was_extended)
        shift = down;
    if (!down || key >= sizeof(plain) || (was_extended && plain[key] != '\n'))
        return -1;
    c = shift ? shifted[key] : plain[key];
    if (ctrl && plain[key] >= 'a' && plain[key] <= 'z')
        c = (char)(plain[key] & 0x1f);
    return c == '\0' ? -1 : c;
}

int keyboard_get(void)
{
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint8_t status = inb(STATUS), code;
        int     c;

        if (!(status & STATUS_FULL))
            break;
        code = inb(DATA);
        c = status & STATUS_MOUSE ? -1 : translate(code);
        if (c >= 0)
            return c;
    }
    return -1;
}
