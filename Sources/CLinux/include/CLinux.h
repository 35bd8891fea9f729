// What Glibc's module leaves out or Swift cannot call, one header for each topic. None may be named as one of the
// system's own, or it would be found in its place.
#pragma once
#include "blocks.h"
#include "blocks.h"
#include "epoll.h"
#include "files.h"
#include "groups.h"
#include "launch.h"
#include "looking.h"
#include "passing.h"
#include "serving.h"
