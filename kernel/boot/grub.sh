#!/bin/sh
# grub.sh ISO KERNEL MODULE...: makes a CD image that GRUB boots at once.
# Each module is given to the kernel under its file name without ".elf".  Debug information stays
# behind: GRUB would load it, and every snapshot of the machine would hold it.
set -eu
iso=$1 kernel=$2
shift 2
tree=$iso.tree
rm -rf "$tree"
mkdir -p "$tree/boot/grub" "$tree/boot/modules"
objcopy --strip-debug "$kernel" "$tree/boot/kernel.elf"
{
    echo "set timeout=0"
    echo "menuentry Corral {"
    echo "    multiboot2 /boot/kernel.elf"
    for module; do
        name=${module##*/} name=${name%.elf}
        objcopy --strip-debug "$module" "$tree/boot/modules/$name"
        echo "    module2 /boot/modules/$name $name"
    done
    echo "}"
} > "$tree/boot/grub/grub.cfg"
if ! grub-mkrescue -d /usr/lib/grub/i386-pc -o "$iso.tmp" --locales= --fonts= --themes= \
        --install-modules="multiboot2 normal iso9660 biosdisk" "$tree" > "$iso.log" 2>&1; then
    cat "$iso.log" >&2
    exit 1
fi
rm -rf "$tree"
mv "$iso.tmp" "$iso"
