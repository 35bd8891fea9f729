#include "blocks.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

// Ours begin at a page, which few others do: of thousands that a handshake gives back, hardly any is asked for its size.
enum { SMALLEST = 16 << 10, BLOCK = 20 << 10, SLACK = 64, MOST = 8, ALIGNMENT = 4096 };

static _Thread_local struct {
  void *blocks[MOST];
  int count;
} kept;

void *clinux_take_block(size_t size, const char *file, int line) {
  (void)file, (void)line;
  if (size == 0) return NULL;
  if (size < SMALLEST || size > BLOCK) return malloc(size);
  return kept.count > 0 ? kept.blocks[--kept.count] : aligned_alloc(ALIGNMENT, BLOCK);
}

void *clinux_resize_block(void *block, size_t size, const char *file, int line) {
  if (block == NULL) return clinux_take_block(size, file, line);
  if (size > 0) return realloc(block, size);
  clinux_give_block(block, file, line);
  return NULL;
}

void clinux_give_block(void *block, const char *file, int line) {
  (void)file, (void)line;
  if ((uintptr_t)block % ALIGNMENT == 0 && block != NULL && kept.count < MOST) {
    size_t size = malloc_usable_size(block);
    if (size >= BLOCK && size < BLOCK + SLACK) {
      kept.blocks[kept.count++] = block;
      return;
    }
  }
  free(block);
}

void clinux_keep_freed_memory(void) {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

void clinux_give_back_freed_memory(void) { malloc_trim(0); }

void clinux_drop_blocks(void) {
  while (kept.count > 0) free(kept.blocks[--kept.count]);
}
