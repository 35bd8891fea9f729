// Opening files for strangers, and sending them.
#pragma once
#include <sys/types.h>

// A directory, for use as `folder` below; -1 with errno. Its path may go through links: it is the operator's.
int clinux_open_folder(const char *path);

// Opens for reading what `path` (relative) names beneath the folder, wherever links and dots lead: one that would leave
// the folder, even for a moment, and a magic link of /proc is refused (EXDEV, ELOOP). Never waits for a fifo's writer
// and never makes a terminal ours. -1 with errno; ENOSYS where the kernel is older than 5.6.
int clinux_open_beneath(int folder, const char *path);

// At most `count` bytes from `offset` on to a socket; -1 with errno, 0 at the file's end.
ssize_t clinux_send_file(int socket, int file, off_t offset, size_t count);
