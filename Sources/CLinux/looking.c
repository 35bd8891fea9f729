#define _GNU_SOURCE
#include "looking.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_find_beneath(int folder, const char *path, bool follows) {
  struct open_how how = {
      .flags = O_PATH | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW),
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  int descriptor;
  for (int attempt = 0; attempt < 8; attempt++) {
    descriptor = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (descriptor >= 0 || (errno != EAGAIN && errno != EINTR)) return descriptor;
  }
  return -1;
}
