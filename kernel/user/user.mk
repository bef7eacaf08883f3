# Builds every ring-3 program: each kernel/user/NAME.c becomes $(OUT)/user/NAME.elf.
#
# Given: ARCH (i386, x86_64), OUT, and if wanted CC, LD, OPT, WERROR=1.
# Gives: user-elfs, the list of programs, and the target `user`, which makes them all.
# Run from the top of the tree; a new program is a new file, nothing here changes.

ifeq ($(ARCH),x86_64)
user-bits := 64
user-cpu  := -m64
user-ld   := elf_x86_64
else ifeq ($(ARCH),i386)
user-bits := 32
user-cpu  := -m32 -march=i686
user-ld   := elf_i386
else
$(error ARCH is "$(ARCH)"; it must be i386 or x86_64)
endif

ifeq ($(OUT),)
$(error OUT is empty; it must name the folder to build in)
endif

OPT ?= -O2

user-src   := kernel/user
user-out   := $(if $(KOBJ),$(KOBJ),$(OUT))/user
user-obj   := $(user-out)/obj
user-names := $(basename $(notdir $(wildcard $(user-src)/*.c)))

# The library: all of it, less the assembly of the other width.
user-lib := $(wildcard $(user-src)/lib/*.c) $(wildcard $(user-src)/lib/*$(user-bits).S)
user-lib-objs := $(patsubst $(user-src)/%,$(user-obj)/%.o,$(user-lib))

# What labs and stand-ins write for ring 3, ring3_*.c; the kernel has it as well.  The programs with it
# belong to one build; their other objects are shared.  A compiled lab has ring3_*.o.
user-labs      := $(foreach d,$(standins) $(lab-dirs),$(wildcard $(d)/ring3_*.c))
user-labs-objs := $(user-labs:%=$(OUT)/user/%.o)
user-labs-made := $(foreach d,$(lab-dirs),$(wildcard $(d)/ring3_*.o))
user-lib-objs  += $(user-labs-objs) $(user-labs-made)
user-elfs      := $(user-names:%=$(OUT)/user/%.elf)

# A frame pointer, so that a backtrace needs no unwind tables; no vector registers, because
# the kernel does not save them.
user-flags := $(user-cpu) $(OPT) -g -std=gnu11 -Wall -Wextra $(if $(WERROR),-Werror) \
	-ffreestanding -mgeneral-regs-only -mno-red-zone -fno-pie -fno-pic \
	-fno-stack-protector -fno-strict-aliasing -fno-common -fcf-protection=none \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	'-fdebug-prefix-map=$(subst ','\'',$(CURDIR))=.' -Ikernel/include

.PHONY: user
user: $(user-elfs)

# Kept, so that a second make does not compile them again.
.SECONDARY: $(user-lib-objs) $(user-names:%=$(user-obj)/%.c.o)

# -n: no gaps in the file, since the loader copies: GRUB and every snapshot have less to carry.
$(user-elfs): $(OUT)/user/%.elf: $(user-obj)/%.c.o $(user-lib-objs) $(user-src)/user.ld
	$(LD) -m $(user-ld) -static -n -T $(user-src)/user.ld -o $@ $(filter %.o,$^)

$(user-obj)/%.c.o: $(user-src)/%.c
	$(CC) $(user-flags) -MMD -MP -c -o $@ $<

# A hole has parameters that it does not use yet.
$(user-labs-objs): $(OUT)/user/%.o: %
	$(CC) $(user-flags) -Wno-unused-parameter -I$(dir $<) -MMD -MP -c -o $@ $<

$(user-obj)/%.S.o: $(user-src)/%.S
	$(CC) $(user-flags) -MMD -MP -c -o $@ $<

$(shell mkdir -p $(sort $(dir $(user-elfs) $(user-lib-objs) $(user-names:%=$(user-obj)/%.c.o))))

-include $(wildcard $(user-obj)/*.d $(user-obj)/lib/*.d $(OUT)/user/*/*/*.d $(OUT)/user/*/*/*/*.d)
