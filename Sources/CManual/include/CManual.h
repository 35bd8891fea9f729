// The manual's topics, within the program.
#pragma once
#include <stddef.h>

typedef struct {
  // As in `masterpool help NAME`.
  const char *name;
  // UTF-8.
  const unsigned char *bytes;
  size_t count;
} cmanual_topic;

size_t cmanual_topic_count(void);
// Of those from 0 to the count, in the order in which they are to be read; they live as long as the program.
const cmanual_topic *cmanual_topic_at(size_t index);
