#!/bin/sh
# grub.sh ISO KERNEL MODULE...: makes a CD image that GRUB boots at once.
# Each module is given to the kernel under its file name without ".elf".  Debug information stays
# behind: GRUB would load it, and every snapshot of the machine would hold it.
#
# grub-mkrescue would make the image, too, but GRUB would execute half as much again: it has a menu,
# looks for eleven kinds of partitions, and says through the firmware that it has none of them.  Here
# GRUB's core runs the commands itself, and loads multiboot2 and what that needs from the CD, since
# to unpack it with the core would take longer.
set -eu
iso=$1 kernel=$2
shift 2
grub=/usr/lib/grub/i386-pc core="biosdisk iso9660"
tree=$iso.tree
rm -rf "$tree"
mkdir -p "$tree/boot/grub/i386-pc" "$tree/boot/modules"
objcopy --strip-debug "$kernel" "$tree/boot/kernel.elf"
{
    echo "insmod multiboot2"
    echo "multiboot2 /boot/kernel.elf"
    for module; do
        name=${module##*/} name=${name%.elf}
        objcopy --strip-debug "$module" "$tree/boot/modules/$name"
        echo "module2 /boot/modules/$name $name"
    done
    echo "boot"
} > "$iso.cfg"

# What multiboot2 needs, and what that needs: "name: needed needed" is a line of moddep.lst.
wanted=multiboot2
while [ -n "$wanted" ]; do
    next=
    for module in $wanted; do
        if [ ! -e "$tree/boot/grub/i386-pc/$module.mod" ]; then
            cp "$grub/$module.mod" "$tree/boot/grub/i386-pc/"
            next="$next $(sed -n "s/^$module: *//p" "$grub/moddep.lst")"
        fi
    done
    wanted=${next# }
done

# shellcheck disable=SC2086 # the modules of the core are several words
if ! { grub-mkimage -d "$grub" -O i386-pc-eltorito -p /boot/grub -c "$iso.cfg" \
           -o "$tree/boot/grub/core.img" $core &&
       xorriso -as mkisofs -quiet -R -b boot/grub/core.img -no-emul-boot -boot-load-size 4 \
           -boot-info-table --grub2-boot-info --grub2-mbr "$grub/boot_hybrid.img" \
           --protective-msdos-label \
           -o "$iso.tmp" "$tree"; } > "$iso.log" 2>&1; then
    cat "$iso.log" >&2
    exit 1
fi
rm -rf "$tree" "$iso.cfg"
mv "$iso.tmp" "$iso"
