/*
 * pic.h: the two 8259 interrupt controllers, which Corral does not use.
 */
#ifndef CORRAL_PIC_H
#define CORRAL_PIC_H

/*
 * Moves them off the exceptions' vectors and masks all of their lines.
 * Level: interrupts off. CPU: 0, once, before interrupts come on. NMI: no.
 */
void pic_disable(void);

#endif
