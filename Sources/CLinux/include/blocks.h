// Memory for a library that takes and gives back large buffers all the time.
#pragma once
#include <stddef.h>

/// As malloc, realloc and free, which they stand on, but a thread keeps a few blocks of between 16 and 20 KiB for the
/// next use: buffers of that size would else cut up the heap around whatever lives longer. File and line are not used.
void *clinux_take_block(size_t size, const char *file, int line);
void *clinux_resize_block(void *block, size_t size, const char *file, int line);
void clinux_give_block(void *block, const char *file, int line);
/// From now on what is freed, up to some megabytes a thread, stays for the next use: a buffer for a request's body
/// would else be mapped, filled with zeros and taken back page by page each time, and all threads wait for that.
void clinux_keep_freed_memory(void);
/// What was freed and kept goes back to the system after all, of every thread; some milliseconds where there is much.
void clinux_give_back_freed_memory(void);
/// Frees what this thread keeps.
void clinux_drop_blocks(void);
