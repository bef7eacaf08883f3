# The kernel's build.  Run from the top of a tree that holds kernel/:
#
#   make -f kernel/kernel.mk ARCH=x86_64 OUT=build/x STAGE=1 LABS="labs/lab1-stack-switch" all
#
# ARCH    i386 or x86_64                      CC     gcc or clang
# OUT     where the products go: kernel.elf, user/*.elf, corral.iso
# KOBJ    where the objects of the given code go; may be shared by builds with equal ARCH, CC, OPT
# LABS    folders of the labs that are part of this kernel; their numbers come from the names
# STAGE   the number of the last lab; printed in the banner
# OPT     -O2 or -O0                          WERROR 1 makes warnings errors
#
# Nothing here names a lab: a folder labN-* is compiled on its own, linked with `ld -r`, and keeps
# only the symbols listed in OUT/labN.keep (where that file exists).  Each folder
# kernel/standin/labM is part of the kernel while lab M is not.  A folder that holds ARCH/labN.o is
# compiled already: what is in ARCH/ is used, and nothing beside it.

ARCH   ?= x86_64
OUT    ?= build/kernel-$(ARCH)
KOBJ   ?= $(OUT)/kobj
LABS   ?=
STAGE  ?= 1
OPT    ?= -O2
WERROR ?=
ifeq ($(origin CC),default)
CC := gcc
endif
LD      := ld
OBJCOPY := objcopy

.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

bits-i386    := 32
bits-x86_64  := 64
BITS         := $(bits-$(ARCH))
OTHER        := $(filter-out $(BITS),32 64)
emul-i386    := elf_i386
emul-x86_64  := elf_x86_64
arch-i386    := -m32 -march=i686
arch-x86_64  := -m64 -mcmodel=kernel -mno-red-zone

# Which labs are here, and which stand-ins take the place of those that are not.
lab-number  = $(firstword $(subst -, ,$(patsubst lab%,%,$(notdir $(1)))))
lab-numbers := $(foreach l,$(LABS),$(call lab-number,$(l)))
lab-dir     = $(if $(wildcard $(1)/$(ARCH)/lab$(call lab-number,$(1)).o),$(1)/$(ARCH),$(1))
lab-dirs    := $(foreach l,$(LABS),$(call lab-dir,$(l)))
standins    := $(foreach d,$(sort $(wildcard kernel/standin/lab*)),$(if \
                 $(filter $(patsubst lab%,%,$(notdir $(d))),$(lab-numbers)),,$(d)))

# -Wno-unused-parameter: a hole has parameters that it does not use yet.
BASEFLAGS := $(arch-$(ARCH)) $(OPT) -gdwarf-4 -std=gnu11 -ffreestanding -fno-pie -fno-pic \
             -mgeneral-regs-only -fno-strict-aliasing -fno-omit-frame-pointer \
             -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
             -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) \
             -nostdinc -isystem $(shell $(CC) -print-file-name=include)
# DWARF 4: pyelftools 0.29 does not know all of clang's DWARF 5.
# Debug information and __FILE__ name a file the way a person in the tree would.  In these quotes, since
# make hands a line with others to a shell, and a shell for each object takes time.
here      := $(subst ','\'',$(CURDIR))
PREFIX    := '-fdebug-prefix-map=$(here)=.' '-fmacro-prefix-map=$(here)/='
GIVEN     := -I$(KOBJ)/gen -Ikernel/include
INCLUDES  := $(GIVEN) $(addprefix -I,$(standins)) $(addprefix -I,$(lab-dirs))
LDFLAGS   := -m $(emul-$(ARCH)) -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
             --build-id=none -nostdlib

# ---- the given code ----
# The seam includes headers of the labs (gs.h, percpu_ops.h), so its objects are not shared.
given-dirs := kernel/boot kernel/x86 kernel/$(ARCH) kernel/mm kernel/task kernel/sys kernel/lib \
              kernel/probe
seam-dirs  := kernel/probe/seam $(standins)
c-of        = $(filter-out %/offsets.c %$(OTHER).c,$(foreach d,$(1),$(sort $(wildcard $(d)/*.c))))
S-of        = $(filter-out %.lds.S %$(OTHER).S,$(foreach d,$(1),$(sort $(wildcard $(d)/*.S))))
objects     = $(patsubst %.c,$(2)/%.o,$(call c-of,$(1))) $(patsubst %.S,$(2)/%.S.o,$(call S-of,$(1)))
given-o    := $(call objects,$(given-dirs),$(KOBJ)) $(call objects,$(seam-dirs),$(OUT)/seam)
headers    := $(KOBJ)/gen/offsets.h

all: $(OUT)/corral.iso $(OUT)/checker.elf
kernel: $(OUT)/kernel.elf

$(KOBJ)/gen/offsets.h: kernel/offsets.c kernel/kernel.mk
	$(CC) $(BASEFLAGS) -fno-lto -Ikernel/include -MMD -MP -MF $@.d -MT $@ -S -o $@.s $<
	sed -n 's/^[^A-Z]*OFFSET \([A-Z0-9_]*\) [$$]*\(-*[0-9]*\).*/#define \1 \2/p' $@.s > $@.tmp
	mv $@.tmp $@

$(KOBJ)/%.o: %.c $(headers) kernel/kernel.mk
	$(CC) $(BASEFLAGS) $(PREFIX) $(GIVEN) -MMD -MP -c -o $@ $<

$(KOBJ)/%.S.o: %.S $(headers) kernel/kernel.mk
	$(CC) $(BASEFLAGS) $(PREFIX) $(GIVEN) -D__ASSEMBLER__ -MMD -MP -c -o $@ $<

# The stage is one number in one object, so that the others can be shared.
$(OUT)/stage.o: kernel/kernel.mk
	printf 'const unsigned corral_stage = $(STAGE);\n' | $(CC) $(BASEFLAGS) $(PREFIX) -x c -c -o $@ -

# ---- the labs ----
# $(1) the lab's folder, $(2) its number
define lab-rules
lab$(2)-c   := $$(filter-out %/offsets.c %$(OTHER).c,$$(sort $$(wildcard $(1)/*.c)))
lab$(2)-S   := $$(filter-out %$(OTHER).S,$$(sort $$(wildcard $(1)/*.S)))
lab$(2)-o   := $$(patsubst $(1)/%.c,$(OUT)/lab$(2)/%.o,$$(lab$(2)-c)) \
               $$(patsubst $(1)/%.S,$(OUT)/lab$(2)/%.S.o,$$(lab$(2)-S)) $$(wildcard $(1)/lab$(2).o)

$(OUT)/lab$(2)/gen/lab$(2)_offsets.h: $(1)/offsets.c $$(headers)
	$$(CC) $$(BASEFLAGS) $$(LAB-INC) -MMD -MP -MF $$@.d -MT $$@ -S -o $$@.s $$<
	sed -n 's/^[^A-Z]*OFFSET \([A-Z0-9_]*\) [$$$$]*\(-*[0-9]*\).*/#define \1 \2/p' $$@.s > $$@.tmp
	mv $$@.tmp $$@

$(OUT)/lab$(2)/%.o: $(1)/%.c $$(headers) $$(lab-gens)
	$$(CC) $$(BASEFLAGS) $$(PREFIX) $$(LAB-INC) -MMD -MP -c -o $$@ $$<

$(OUT)/lab$(2)/%.S.o: $(1)/%.S $$(headers) $$(lab-gens)
	$$(CC) $$(BASEFLAGS) $$(PREFIX) $$(LAB-INC) -D__ASSEMBLER__ -DLAB_FILE=$$(*F) -MMD -MP -c -o $$@ $$<

$(OUT)/lab$(2).o: $$(lab$(2)-o) $$(wildcard $(OUT)/lab$(2).keep)
	$$(LD) -m $$(emul-$$(ARCH)) -z noexecstack -r -d -o $$@.tmp $$(lab$(2)-o)
	$$(if $$(wildcard $(OUT)/lab$(2).keep),$$(OBJCOPY) --keep-global-symbols=$(OUT)/lab$(2).keep $$@.tmp)
	mv $$@.tmp $$@

lab-objects += $(OUT)/lab$(2).o
lab-parts   += $$(lab$(2)-o)
-include $$(wildcard $(OUT)/lab$(2)/*.d $(OUT)/lab$(2)/gen/*.d)
endef
lab-objects :=
lab-parts   :=
# A lab's assembly may use a macro of another lab, and with it that lab's offsets.
LAB-INC     := $(foreach l,$(LABS),-I$(OUT)/lab$(call lab-number,$(l))/gen) $(INCLUDES)
lab-gens    := $(foreach l,$(LABS),$(if $(wildcard $(call lab-dir,$(l))/offsets.c),$(OUT)/lab$(call \
                 lab-number,$(l))/gen/lab$(call lab-number,$(l))_offsets.h))
$(foreach l,$(LABS),$(eval $(call lab-rules,$(call lab-dir,$(l)),$(call lab-number,$(l)))))

# ---- the seam ----
$(OUT)/seam/%.o: %.c $(headers) $(lab-gens) kernel/kernel.mk
	$(CC) $(BASEFLAGS) $(PREFIX) $(LAB-INC) -MMD -MP -c -o $@ $<

$(OUT)/seam/%.S.o: %.S $(headers) $(lab-gens) kernel/kernel.mk
	$(CC) $(BASEFLAGS) $(PREFIX) $(LAB-INC) -D__ASSEMBLER__ -MMD -MP -c -o $@ $<

# ---- the whole ----
$(KOBJ)/kernel.lds: kernel/boot/kernel.lds.S kernel/kernel.mk
	$(CC) $(filter -m32 -m64,$(arch-$(ARCH))) -E -P -x c -D__ASSEMBLER__ -Ikernel/include -o $@ $<

$(OUT)/kernel.elf: $(KOBJ)/kernel.lds $(given-o) $(lab-objects) $(OUT)/stage.o
	$(LD) $(LDFLAGS) -T $(KOBJ)/kernel.lds -o $@.tmp $(given-o) $(lab-objects) $(OUT)/stage.o
	mv $@.tmp $@

include kernel/user/user.mk
checker := $(OUT)/checker.elf
modules := $(sort $(user-elfs)) $(checker)

# The graded tests' ring-3 program: one file of assembly, a little C that the host lets run, and what
# the labs write for ring 3.  Beside the kernel, where the grader looks for both.
checker-c    := $(patsubst %.c,$(KOBJ)/user/%.o,$(wildcard kernel/probe/user/*.c))
checker-objs := $(checker-c) $(user-obj)/lib/syscall$(BITS).S.o $(user-obj)/lib/string.c.o $(user-labs-objs) $(user-labs-made)

$(checker-c): $(KOBJ)/user/%.o: %.c
	$(CC) $(user-flags) -Ikernel/user -MMD -MP -c -o $@ $<

$(checker): kernel/probe/user/checker.S $(checker-objs) kernel/user/user.ld
	$(CC) $(filter -m32 -m64,$(arch-$(ARCH))) -gdwarf-4 '-fdebug-prefix-map=$(here)=.' -c -o $@.o $<
	$(LD) -m $(emul-$(ARCH)) -static -n -z noexecstack -T kernel/user/user.ld -o $@ $@.o $(checker-objs)

# What no lab changes.  The grader makes it alone before it builds code of others, which then cannot.
given: $(KOBJ)/kernel.lds $(checker-c) $(filter $(KOBJ)/%,$(given-o) $(user-lib-objs)) $(user-names:%=$(user-obj)/%.c.o)

# GRUB's files are the same for every kernel; the kernel and the modules are not compressed.
$(OUT)/corral.iso: $(OUT)/kernel.elf $(modules) kernel/boot/grub.sh
	sh kernel/boot/grub.sh $@ $(OUT)/kernel.elf $(modules)

# The folders of all that is made here; once, since a mkdir for each object would be a tenth of the work.
$(shell mkdir -p $(sort $(dir $(given-o) $(headers) $(lab-parts) $(lab-gens) $(checker-c) $(OUT)/kernel.elf)))

-include $(wildcard $(KOBJ)/kernel/*/*.d $(KOBJ)/user/kernel/probe/user/*.d $(OUT)/seam/kernel/*/*/*.d $(KOBJ)/gen/*.d)
.PHONY: all kernel given
