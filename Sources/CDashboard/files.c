#include "CDashboard.h"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

static const unsigned char index_html[] = {
#embed "page/index.html"
};
static const unsigned char style_css[] = {
#embed "page/style.css"
};
static const unsigned char parts_css[] = {
#embed "page/parts.css"
};
static const unsigned char icon_svg[] = {
#embed "page/icon.svg"
};
static const unsigned char main_js[] = {
#embed "page/main.js"
};
static const unsigned char api_js[] = {
#embed "page/api.js"
};
static const unsigned char feed_js[] = {
#embed "page/feed.js"
};
static const unsigned char live_js[] = {
#embed "page/live.js"
};
static const unsigned char dom_js[] = {
#embed "page/dom.js"
};
static const unsigned char icons_js[] = {
#embed "page/icons.js"
};
static const unsigned char format_js[] = {
#embed "page/format.js"
};
static const unsigned char health_js[] = {
#embed "page/health.js"
};
static const unsigned char chart_js[] = {
#embed "page/chart.js"
};
static const unsigned char pools_js[] = {
#embed "page/pools.js"
};
static const unsigned char memory_js[] = {
#embed "page/memory.js"
};
static const unsigned char traffic_js[] = {
#embed "page/traffic.js"
};
static const unsigned char metrics_js[] = {
#embed "page/metrics.js"
};
static const unsigned char ledger_js[] = {
#embed "page/ledger.js"
};
static const unsigned char nodes_js[] = {
#embed "page/nodes.js"
};
static const unsigned char advice_js[] = {
#embed "page/advice.js"
};
static const unsigned char settings_js[] = {
#embed "page/settings.js"
};
static const unsigned char actions_js[] = {
#embed "page/actions.js"
};
static const unsigned char theme_js[] = {
#embed "page/theme.js"
};

#define FILE_OF(path, type, name) {path, type, name, sizeof name}
#define MODULE(name) FILE_OF("/ui/" #name ".js", SCRIPT, name##_js)

static const cdashboard_file files[] = {
  FILE_OF("/", HTML, index_html),
  FILE_OF("/ui/style.css", CSS, style_css),
  FILE_OF("/ui/parts.css", CSS, parts_css),
  FILE_OF("/ui/icon.svg", SVG, icon_svg),
  MODULE(main),
  MODULE(api),
  MODULE(feed),
  MODULE(live),
  MODULE(dom),
  MODULE(icons),
  MODULE(format),
  MODULE(health),
  MODULE(chart),
  MODULE(pools),
  MODULE(memory),
  MODULE(traffic),
  MODULE(metrics),
  MODULE(ledger),
  MODULE(nodes),
  MODULE(advice),
  MODULE(settings),
  MODULE(actions),
  MODULE(theme),
};

size_t cdashboard_file_count(void) { return sizeof files / sizeof files[0]; }

const cdashboard_file *cdashboard_file_at(size_t index) {
  return index < cdashboard_file_count() ? &files[index] : NULL;
}
