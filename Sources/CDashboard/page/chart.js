// Lines over time, drawn as SVG at the size that there is.
import { draw, h, setText } from "./dom.js";
import { clock, day } from "./format.js";

const margin = { top: 16, right: 8, bottom: 20, left: 54 };

/**
 * A chart that a pointer or the arrow keys read out. `show({from, to, top, lines, marks, limits, say, label, format})`:
 * - lines: [{name, className, points: [[ms, value]], isArea, dashes}]; a null value breaks a line
 * - marks: [{at, letter, title, className}], things that happened
 * - limits: [{value, words}], lines across
 * - say(ms): what is read out for that time; without a pointer `summary` stands there
 */
export class Chart {
  constructor(title, height = 130) {
    this.height = height;
    this.readout = h("p", { class: "readout" });
    this.frame = h("div", { class: "chart-frame", tabindex: "0", role: "img" });
    this.title = h("h3", {}, title);
    this.element = h("figure", { class: "chart" }, h("figcaption", {}, this.title, this.readout), this.frame);
    this.pointed = null;
    this.frame.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.frame.addEventListener("pointerleave", () => this.unpoint());
    this.frame.addEventListener("blur", () => this.unpoint());
    this.frame.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  show(data) {
    this.data = data;
    this.frame.setAttribute("aria-label", data.label);
    this.draw();
  }

  get width() {
    return Math.max(200, Math.floor(this.frame.clientWidth));
  }

  x(time) {
    const { from, to } = this.data;
    return margin.left + ((time - from) / (to - from)) * (this.width - margin.left - margin.right);
  }

  y(value) {
    return this.height - margin.bottom - (value / this.scale) * (this.height - margin.top - margin.bottom);
  }

  draw() {
    if (!this.data || !this.frame.clientWidth) return;
    const { data, width, height } = this;
    const ticks = steps(data.top, data.isBinary);
    this.scale = Math.max(ticks.at(-1), data.top) || 1;
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true", focusable: "false" });
    for (const value of ticks) {
      const y = this.y(value);
      svg.append(
        draw("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y, y2: y }),
        draw("text", { class: "tick", x: margin.left - 6, y: y + 3.5, "text-anchor": "end" }, data.format(value).replace(/\.0+ /, " ")),
      );
    }
    this.drawTimes(svg);
    for (const line of data.lines) this.drawLine(svg, line);
    for (const limit of data.limits ?? []) this.drawLimit(svg, limit);
    this.drawMarks(svg);
    for (const limit of data.limits ?? []) this.nameLimit(svg, limit);
    this.cursor = draw("line", { class: "cursor", y1: margin.top - 4, y2: height - margin.bottom, visibility: "hidden" });
    svg.append(this.cursor);
    this.frame.replaceChildren(svg);
    this.say();
  }

  drawTimes(svg) {
    const { from, to } = this.data;
    const room = Math.max(1, Math.floor((this.width - margin.left) / 90));
    const step = timeSteps.find((one) => (to - from) / one <= room) ?? timeSteps.at(-1);
    const zone = new Date(from).getTimezoneOffset() * 60_000;
    for (let time = Math.ceil((from - zone) / step) * step + zone; time <= to; time += step) {
      const x = this.x(time);
      if (x > this.width - 18) break;
      svg.append(
        draw("line", { class: "grid", x1: x, x2: x, y1: margin.top, y2: this.height - margin.bottom }),
        draw("text", { class: "tick", x, y: this.height - 5, "text-anchor": "middle" }, stamp(time, step)),
      );
    }
  }

  drawLine(svg, { points, className, isArea, dashes }) {
    for (const run of runs(points)) {
      const path = run.map(([time, value], index) =>
        `${index ? "L" : "M"}${this.x(time).toFixed(1)} ${this.y(value).toFixed(1)}`).join("");
      const ends = [this.x(run[0][0]), this.x(run.at(-1)[0])].map((x) => x.toFixed(1));
      if (isArea) {
        svg.append(draw("path", { class: `area ${className}`, d: `${path}V${this.y(0)}H${ends[0]}Z` }));
      }
      // A single point is a line of no length, which its round ends make a dot.
      svg.append(draw("path", {
        class: `line ${className}`, d: run.length > 1 ? path : `${path}h.1`, "stroke-dasharray": dashes ?? null,
      }));
    }
  }

  drawLimit(svg, { value, className }) {
    if (value > this.scale) return;
    const y = this.y(value);
    svg.append(
      draw("line", { class: `limit ${className ?? ""}`, x1: margin.left, x2: this.width - margin.right, y1: y, y2: y }));
  }

  /** After the marks, whose lines would run through its words. */
  nameLimit(svg, { value, words }) {
    if (value > this.scale) return;
    svg.append(draw("text", {
      class: "limit-words", x: this.width - margin.right, y: this.y(value) - 4, "text-anchor": "end",
    }, words));
  }

  /** Letters that would stand on each other are left out; their lines and titles stay. */
  drawMarks(svg) {
    let free = -Infinity;
    for (const { at, letter, title, className } of this.data.marks ?? []) {
      const x = this.x(at);
      if (x < margin.left || x > this.width - margin.right) continue;
      const mark = draw("g", { class: `event ${className}` },
        draw("title", {}, title), draw("line", { x1: x, x2: x, y1: margin.top - 2, y2: this.height - margin.bottom }));
      if (x > free) {
        mark.append(
          draw("rect", { x: x - 7, y: 1, width: 14, height: 14, rx: 3 }),
          draw("text", { x, y: 12, "text-anchor": "middle" }, letter),
        );
        free = x + 15;
      }
      svg.append(mark);
    }
  }

  point(x) {
    if (!this.data) return;
    const { from, to } = this.data;
    const share = (x - margin.left) / (this.width - margin.left - margin.right);
    this.pointed = from + Math.min(1, Math.max(0, share)) * (to - from);
    this.say();
  }

  unpoint() {
    this.pointed = null;
    this.say();
  }

  key(event) {
    if (!this.data || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const { from, to } = this.data;
    const step = (to - from) / 60;
    const start = this.pointed ?? to + (event.key === "ArrowRight" ? -step : 0);
    const moved = { ArrowLeft: start - step, ArrowRight: start + step, Home: from, End: to }[event.key];
    this.pointed = Math.min(to, Math.max(from, moved));
    this.readout.setAttribute("aria-live", "polite");
    this.say();
  }

  say() {
    const isPointed = this.pointed !== null;
    setText(this.readout, isPointed ? this.data.say(this.pointed) : (this.data?.summary ?? ""));
    if (!this.cursor) return;
    this.cursor.setAttribute("visibility", isPointed ? "visible" : "hidden");
    if (!isPointed) return;
    const x = this.x(this.pointed);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
  }
}

/** The point that stands for a time: the last one before it. */
export function valueAt(points, time) {
  const found = points.findLast(([at]) => at <= time);
  return found ? found[1] : null;
}

function runs(points) {
  const found = [];
  let run = [];
  for (const point of points) {
    if (point[1] === null) {
      if (run.length) found.push(run);
      run = [];
    } else {
      run.push(point);
    }
  }
  if (run.length) found.push(run);
  return found;
}

/** Three or four round values from 0 to at least `top`. */
function steps(top, isBinary) {
  if (!(top > 0)) return [0, 1];
  const base = isBinary ? 2 : 10;
  const rough = top / 3;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const step = (isBinary ? [1, 1.25, 1.5, 2] : [1, 2, 2.5, 5, 10]).map((one) => one * power).find((one) => one * 3 >= top)
    ?? power * base;
  const found = [0];
  while (found.at(-1) < top) found.push(found.at(-1) + step);
  return found;
}

const minute = 60_000;
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880].map((one) => one * minute);
timeSteps.unshift(10_000, 15_000, 30_000);

function stamp(time, step) {
  const date = new Date(time);
  if (step >= 1440 * minute) return day(date).slice(5);
  return step < minute ? clock(date) : clock(date).slice(0, 5);
}
