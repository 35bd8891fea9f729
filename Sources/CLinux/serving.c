#define _GNU_SOURCE
#include "serving.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_open_folder(const char *path) { return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); }

int clinux_open_beneath(int folder, const char *path) {
  struct open_how how = {
      .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  int descriptor;
  // EAGAIN: something was renamed while `..` was resolved, so the kernel cannot be sure; a few times is enough.
  for (int attempt = 0; attempt < 8; attempt++) {
    descriptor = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (descriptor >= 0 || (errno != EAGAIN && errno != EINTR)) return descriptor;
  }
  return -1;
}

ssize_t clinux_send_file(int socket, int file, off_t offset, size_t count) {
  return sendfile(socket, file, &offset, count);
}
