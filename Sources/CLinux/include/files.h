// Directory work by descriptor.
#pragma once
#include <dirent.h>
#include <stdbool.h>

enum clinux_rename {
  CLINUX_RENAME_NEW = 1,       // EEXIST instead of replacing
  CLINUX_RENAME_EXCHANGE = 2,  // both exist and change places
};

// O_PATH, which Glibc's module leaves out.
extern const int clinux_o_path;

int clinux_rename(int from, const char *name, int to, const char *new_name, unsigned flags);

// 1: the directory is where a file system or a bind mount begins; 0: it is not; -1: errno.
int clinux_is_mount_root(int directory);

// A file without a name, in memory, memfd_create(2); -1: errno. Once sealed, nobody changes it.
int clinux_open_memory_file(void);
bool clinux_seal(int file);

// Copies the extended attributes, access lists and labels among them, as far as that is allowed.
void clinux_copy_attributes(int from, int to);

// The entry's name, valid until the stream's next entry is read.
const char *clinux_entry_name(const struct dirent *entry);
