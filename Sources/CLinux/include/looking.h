// Looking at files without opening them.
#pragma once
#include <stdbool.h>
#include <sys/types.h>

// A descriptor that stands for what `path` names beneath the folder, in the way of clinux_open_beneath; without
// `follows`, a link at its end stands for itself. Good for fstat, readlink and as a folder. -1 with errno.
int clinux_find_beneath(int folder, const char *path, bool follows);
