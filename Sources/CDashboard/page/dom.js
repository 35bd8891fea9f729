// Elements whose text is text. Nothing in this page ever becomes markup from a string: what the API says goes in by
// `textContent` and by attributes that cannot hold a script.

/** `h("td", {class: "number"}, "5")`; an attribute that is null or false is left out, `onclick` and the like listen. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

const svgSpace = "http://www.w3.org/2000/svg";

/** The same for drawings. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const at = (id) => document.getElementById(id);

/** Touches the page only where it changes, so that what is read aloud, selected or focused stays. */
export function setText(element, text) {
  const words = String(text);
  if (element.textContent !== words) element.textContent = words;
}

export function setHidden(element, isHidden) {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * Makes the children of `parent` those of `items`, in order; one that stays keeps its element, and thereby its focus.
 * `make(item)` gives a new element, `update(element, item)` brings one up to date.
 */
export function keep(parent, items, key, make, update = () => {}) {
  const known = (parent.keptByKey ??= new Map());
  const wanted = new Set();
  let next = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    wanted.add(name);
    let element = known.get(name);
    if (!element) {
      element = make(item);
      known.set(name, element);
    }
    update(element, item);
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
  }
  for (const [name, element] of known) {
    if (wanted.has(name)) continue;
    element.remove();
    known.delete(name);
  }
}

/** A table's row with its roles said aloud: on a phone its cells are laid out as a card, and must stay a row. */
export function row(cells, attributes = {}) {
  return h("tr", { role: "row", ...attributes }, ...cells);
}

/** - label: the column's title, shown beside the value where there is no room for a head. */
export function cell(label, attributes = {}, ...children) {
  return h("td", { role: "cell", "data-label": label, ...attributes }, ...children);
}
