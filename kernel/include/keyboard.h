/*
 * keyboard.h: the PS/2 keyboard, US layout.
 *
 * Level: any. CPU: the one that owns the console. NMI: no.
 */
#ifndef CORRAL_KEYBOARD_H
#define CORRAL_KEYBOARD_H

/* Throws away what was typed before. */
void keyboard_init(void);

/*
 * The next character that was typed, or -1. Does not wait. Knows Shift and Ctrl with a letter;
 * other keys give nothing. Each key raises ISA interrupt 1; reading here ends that.
 */
int keyboard_get(void);

#endif
