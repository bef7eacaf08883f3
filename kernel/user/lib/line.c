#include "line.h"

#include <stdbool.h>
#include "print.h"
#include "syscall.h"

#define CTRL(letter) ((letter) - 'A' + 1)

enum { BACKSPACE = 8, ESCAPE = 27, DELETE = 127 };

/* Waits for one byte. The kernel never blocks in a read, so the wait is a call of its own. */
static char read_byte(void)
{
    char c;

    while (sys_read(&c, 1) != 1) {
        if (sys_wait_input() < 0)
            sys_yield();
    }
    return c;
}

/* Drops the rest of a key like Arrow Up, which a terminal sends as ESC [ A or ESC [ 1 ; 5 A. */
static void skip_escape(void)
{
    char c = read_byte();

    if (c != '[' && c != 'O')
        return;
    do {
        c = read_byte();
    } while (c >= ' ' && c < '@');
}

static void erase(size_t count)
{
    while (count-- > 0)
        write_all("\b \b", 3);
}

size_t read_line(char *buf, size_t size)
{
    size_t len = 0;

    for (;;) {
        char c = read_byte();

        if (c == '\r' || c == '\n') {
            write_all("\n", 1);
            break;
        } else if ((c == BACKSPACE || c == DELETE) && len > 0) {
            erase(1);
            len--;
        } else if (c == CTRL('U')) {
            erase(len);
            len = 0;
        } else if (c == CTRL('C')) {
            write_all("^C\n", 3);
            len = 0;
            break;
        } else if (c == ESCAPE) {
            skip_escape();
        } else if (c >= ' ' && c < DELETE && len + 1 < size) {
            write_all(&c, 1);
            buf[len++] = c;
        }
    }
    buf[len] = '\0';
    return len;
}
