/*
 * check.c: exercise 4.5 is in spin.c here.
 */
#include "lab4.h"
