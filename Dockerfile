# Corral's tools in one image, for Windows, macOS and ARM hosts.  The course itself is not in it:
#
#     docker build -t corral .
#     docker run --rm -it --init -v "$PWD":/corral corral
#
# The image is amd64 on every host.  GRUB's files for PCs are packages of x86 only, and with the same
# compiler and the same emulators a score is the same everywhere; ARM hosts emulate it and are slower.
FROM --platform=linux/amd64 debian:bookworm

COPY setup /opt/corral/setup
RUN /opt/corral/setup && rm -rf /var/lib/apt/lists/*

# A user without rights; on Linux, -u "$(id -u)" lets the files in build/ be yours.
RUN useradd --create-home --shell /bin/bash student
USER student
WORKDIR /corral
CMD ["bash"]
