/*
 * vga.h: the screen, 80 by 25 characters.
 *
 * Level: any. CPU: any that owns the console. NMI: only on the way into a panic.
 */
#ifndef CORRAL_VGA_H
#define CORRAL_VGA_H

/* Clears the screen. Without one the functions below do nothing. */
void vga_init(void);

/* Shows one character; knows \n, \r, \b and \t, and scrolls. The cursor stays behind. */
void vga_put(char c);

/* Moves the cursor to where the next character will be. */
void vga_cursor(void);

#endif
