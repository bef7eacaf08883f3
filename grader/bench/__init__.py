"""What the kernel's paths cost, in instructions: `make bench`.  Never a pass mark."""
