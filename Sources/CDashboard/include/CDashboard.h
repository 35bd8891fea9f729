// The dashboard's files, within the program.
#pragma once
#include <stddef.h>

typedef struct {
  // Where the page asks for it: `/` or `/ui/main.js`.
  const char *path;
  const char *type;
  const unsigned char *bytes;
  size_t count;
} cdashboard_file;

size_t cdashboard_file_count(void);
// Of those from 0 to the count; they live as long as the program.
const cdashboard_file *cdashboard_file_at(size_t index);
