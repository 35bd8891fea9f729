// Marks that differ by shape, so that nothing is said by colour alone.
import { draw } from "./dom.js";

const shapes = {
  good: ["path", { d: "M3.5 8.5l3 3 6-7", fill: "none", "stroke-width": 2.4 }],
  notice: ["path", { d: "M8 7.2v5M8 3.4v1.4", fill: "none", "stroke-width": 2.4 }],
  warn: ["path", { d: "M8 1.8L15 14H1zM8 6.2v3.6M8 11.4v1", fill: "none", "stroke-width": 1.7 }],
  bad: ["path", { d: "M4 4l8 8M12 4l-8 8", fill: "none", "stroke-width": 2.6 }],
  ready: ["circle", { cx: 8, cy: 8, r: 5, class: "solid" }],
  starting: ["path", { d: "M8 3a5 5 0 1 1-5 5", fill: "none", "stroke-width": 2.2 }],
  leaving: ["path", { d: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10", fill: "none", "stroke-width": 2 }],
  held: ["path", { d: "M5.5 3v10M10.5 3v10", fill: "none", "stroke-width": 2.6 }],
  empty: ["circle", { cx: 8, cy: 8, r: 4.6, fill: "none", "stroke-width": 1.8, "stroke-dasharray": "2.4 2.2" }],
};

export function icon(name) {
  const [tag, attributes] = shapes[name] ?? shapes.empty;
  return draw(
    "svg",
    { viewBox: "0 0 16 16", width: 16, height: 16, class: `icon icon-${name}`, "aria-hidden": "true", focusable: "false" },
    draw(tag, { stroke: "currentColor", "stroke-linecap": "round", "stroke-linejoin": "round", ...attributes }),
  );
}

/** Shows this mark in `element`, which keeps it until it is another. */
export function setIcon(element, name) {
  if (element.dataset.icon === name) return;
  element.dataset.icon = name;
  element.replaceChildren(icon(name));
}
