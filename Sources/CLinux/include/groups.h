// Control groups of version 2.
#pragma once
#include <stdbool.h>

// A service manager has given this group to us: it marks that with an extended attribute (systemd.resource-control(5),
// Delegate=).
bool clinux_is_delegated(const char *group);
