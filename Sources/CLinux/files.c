#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

const int clinux_o_path = O_PATH;

int clinux_rename(int from, const char *name, int to, const char *new_name, unsigned flags) {
  return (int)syscall(SYS_renameat2, from, name, to, new_name, flags);
}

int clinux_is_mount_root(int directory) {
  struct statx status;
  if (statx(directory, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &status) < 0) return -1;
  if (!(status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) {
    errno = ENOTSUP;
    return -1;
  }
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int clinux_open_memory_file(void) { return memfd_create("masterpool", MFD_CLOEXEC | MFD_ALLOW_SEALING); }

bool clinux_seal(int file) {
  return fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
}

// A value may be 64 KiB by the kernel's limit (XATTR_SIZE_MAX); access lists and labels are far shorter.
void clinux_copy_attributes(int from, int to) {
  char names[4096], value[16384];
  ssize_t count = flistxattr(from, names, sizeof names);
  for (ssize_t at = 0; at < count; at += (ssize_t)strlen(names + at) + 1) {
    ssize_t size = fgetxattr(from, names + at, value, sizeof value);
    if (size >= 0) (void)!fsetxattr(to, names + at, value, (size_t)size, 0);
  }
}

const char *clinux_entry_name(const struct dirent *entry) { return entry->d_name; }
