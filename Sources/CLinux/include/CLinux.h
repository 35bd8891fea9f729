// What Glibc's module leaves out or Swift cannot call, one header for each topic.
#pragma once
#include "epoll.h"
#include "spawn.h"
