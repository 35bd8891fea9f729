#include "CManual.h"

static const unsigned char install[] = {
#embed "topics/install.txt"
};
static const unsigned char interval[] = {
#embed "topics/interval.txt"
};
static const unsigned char dashboard[] = {
#embed "topics/dashboard.txt"
};
static const unsigned char reasons[] = {
#embed "topics/reasons.txt"
};
static const unsigned char upgrade[] = {
#embed "topics/upgrade.txt"
};
static const unsigned char troubleshoot[] = {
#embed "topics/troubleshoot.txt"
};
static const unsigned char notifications[] = {
#embed "topics/notifications.txt"
};
static const unsigned char settings[] = {
#embed "topics/settings.txt"
};
static const unsigned char files[] = {
#embed "topics/files.txt"
};
static const unsigned char security[] = {
#embed "topics/security.txt"
};

#define TOPIC(name) {#name, name, sizeof name}

static const cmanual_topic topics[] = {
  TOPIC(install),
  TOPIC(interval),
  TOPIC(dashboard),
  TOPIC(reasons),
  TOPIC(upgrade),
  TOPIC(troubleshoot),
  TOPIC(notifications),
  TOPIC(settings),
  TOPIC(files),
  TOPIC(security),
};

size_t cmanual_topic_count(void) { return sizeof topics / sizeof topics[0]; }

const cmanual_topic *cmanual_topic_at(size_t index) {
  return index < cmanual_topic_count() ? &topics[index] : NULL;
}
