# As axe asks: https://www.w3.org/TR/WCAG22/. Each finding is a sentence.
FINDINGS = <<~'JS'.freeze
  const found = [];
  const say = (what, one) => found.push(`${what}: ${one.outerHTML.slice(0, 110)}`);
  const seen = (one) => one.checkVisibility();
  const all = (selector) => [...document.querySelectorAll(selector)];
  const text = (id) => document.getElementById(id)?.textContent.trim() ?? "";
  const name = (one) => {
    const by = one.getAttribute("aria-labelledby");
    return (by ? by.split(" ").map(text).join(" ") : one.getAttribute("aria-label") ?? [...(one.labels ?? [])].map((label) => label.textContent).join(" ")).trim()
      || (["BUTTON", "A"].includes(one.tagName) ? one.textContent.trim() : "");
  };
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title.trim()) found.push("no title");
  for (const [selector, count] of [["main", 1], ["header", 1], ["nav", 1], ["footer", 1], ["h1", 1]]) {
    if (all(selector).length !== count) found.push(`${all(selector).length} of ${selector}, not ${count}`);
  }
  for (const one of all("button, a[href], input, select, dialog, nav, form[id], table, fieldset, section, [role=img]").filter(seen)) {
    if (one.tagName === "TABLE" ? !one.caption?.textContent.trim() : one.tagName === "FIELDSET" ? !one.querySelector("legend") : !name(one)) {
      if (!(one.tagName === "FORM" && one.closest("dialog"))) say("without a name", one);
    }
  }
  for (const one of all("img")) if (!one.hasAttribute("alt")) say("without an alternative", one);
  for (const one of all("svg")) if (one.getAttribute("aria-hidden") !== "true") say("a drawing that is read out", one);
  let level = 0;
  for (const one of all("h1, h2, h3, h4").filter(seen)) {
    const now = Number(one.tagName[1]);
    if (now > level + 1) say(`a heading of level ${now} after one of level ${level}`, one);
    if (!one.textContent.trim()) say("an empty heading", one);
    level = now;
  }
  const ids = all("[id]").map((one) => one.id);
  for (const id of ids.filter((one, index) => ids.indexOf(one) !== index)) found.push(`twice the id ${id}`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "for"]) {
    for (const one of all(`[${attribute}]`)) {
      for (const id of one.getAttribute(attribute).split(" ")) if (!document.getElementById(id)) say(`${attribute} names what is not there`, one);
    }
  }
  for (const one of all("a[href^='#']")) if (!document.querySelector(one.getAttribute("href"))) say("leads nowhere", one);
  for (const table of all("table").filter(seen)) {
    if (!table.querySelector("thead th[scope=col]")) say("no heads of columns", table);
    for (const row of table.tBodies[0].rows) if (row.cells.length !== table.tHead.rows[0].cells.length) say("a row that is not as wide as its head", row);
  }
  for (const one of all("[tabindex]")) if (Number(one.tabIndex) > 0) say("an order of its own", one);
  for (const one of all("button, select, input:not([type=radio]):not([type=checkbox])").filter(seen)) {
    const box = one.getBoundingClientRect();
    if (box.height < 24 && !one.classList.contains("sort")) say(`a target of ${box.height} pixels`, one);
  }
  return found;
JS

# WCAG 1.4.3 and 1.4.11: words at 4.5, large ones at 3, marks and lines that mean something at 3.
CONTRAST = <<~'JS'.freeze
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const read = (color) => {
    if (!known.has(color)) known.set(color, measure(color));
    return known.get(color);
  };
  const measure = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((index) => top[index] * top[3] + under[index] * (1 - top[3])).concat(1);
  const light = (color) => {
    const [r, g, b] = color.map((one) => one / 255).map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) layers.push(read(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const ratio = (color, one) => {
    const under = ground(one);
    const [a, b] = [light(over(read(color), under)), light(under)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const found = [];
  let looked = 0;
  const check = (one, color, least, what) => {
    looked += 1;
    const is = ratio(color, one);
    if (is < least) found.push(`${what} ${is.toFixed(2)} < ${least}: ${one.tagName}.${one.className?.baseVal ?? one.className} "${one.textContent.trim().slice(0, 40)}"`);
  };
  for (const one of document.querySelectorAll("body *")) {
    if (!one.checkVisibility() || one.disabled || one.closest(".hidden, .skip, noscript")) continue;
    const style = getComputedStyle(one);
    const hasWords = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const isLarge = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700;
    if (one instanceof SVGElement) {
      const holder = one.ownerSVGElement?.parentElement ?? one.parentElement;
      if (one.tagName === "text") check(holder, style.fill, 4.5, `drawn words ${one.textContent}`);
      if (one.matches(".line, .limit")) check(holder, style.stroke, 3, "a line");
      if (one.matches(".icon *")) check(holder, getComputedStyle(one.ownerSVGElement).color, 3, "a mark");
    } else if (hasWords) {
      check(one, style.color, isLarge ? 3 : 4.5, "words");
    }
    if (one.matches("input:not([type=radio]):not([type=checkbox]), select")) check(one.parentElement, style.borderTopColor, 3, "a border");
    if (one.matches(".fill")) check(one.parentElement, style.backgroundColor, 3, "a bar");
  }
  return [looked, found];
JS

Story.tell "names, order and contrast are as everybody needs them, in both themes" do
  at_the_dashboard(with_token: WITH_TOKEN, more: ["recycle: {memory: 300MiB}"]) do
    unlock if WITH_TOKEN
    5.times { pool.request }
    pool.request("/work?status=500")
    pool.command("restart", "masters/1", "--wait")
    pool.command("drain", "masters/0")
    wait("the drain") { browser.text("#problems").to_s.include?("taken out") }
    wait("charts") { browser.run("return document.querySelectorAll('#memory-charts .line').length") > 3 }
    expect("findings", browser.run(FINDINGS), [])
    browser.run("document.querySelector('#token-dialog').showModal()")
    expect("findings in a dialog", browser.run(FINDINGS), [])
    browser.press("\uE00C") # Escape
    expect("closed by the keyboard", browser.visible?("#token-dialog"), false)
    %w[light dark].each do |scheme|
      browser.prefer(color_scheme: scheme)
      looked, low = browser.run(CONTRAST)
      expect("#{scheme}: what was looked at", looked, (100..))
      expect("#{scheme}: contrast", low, [])
    end
    page = "return getComputedStyle(document.body.parentElement).backgroundColor"
    dark = browser.run(page)
    browser.click("#theme") # From the system's, which is dark, to light.
    expect("the theme's name", browser.text("#theme"), "Theme: light")
    expect("another ground", browser.run(page) == dark, false)
    browser.click("#theme")
    browser.prefer(color_scheme: "light")
    expect("dark, whatever the system is", browser.run(page), dark)
    look
    expect("kept", [browser.text("#theme"), browser.run(page)], ["Theme: dark", dark])
  end
end

Story.tell "the keyboard reaches everything in order, and shows where it is" do
  at_the_dashboard do
    tab = "\uE004"
    browser.press(tab)
    expect("the first stop", browser.run("return document.activeElement.className"), "skip")
    expect("seen", browser.run("return document.activeElement.getBoundingClientRect().left"), (0..))
    stops = 60.times.map do
      browser.press(tab)
      browser.run(<<~JS)
        const one = document.activeElement;
        const shown = one.matches(".range input") ? one.nextElementSibling : one;
        const style = getComputedStyle(shown);
        return [one.id || one.className || one.textContent.trim(), parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none"];
      JS
    end
    names = stops.map(&:first)
    %w[theme unlock range-15-min chart-frame].each { |name| expect("the stop #{name}", names.include?(name)) }
    expect("stops without an outline", stops.reject { |name, outlined| outlined || name.empty? || name =~ /Skip/ }.map(&:first).uniq - [""], [])

    wait("a chart") { browser.visible?("#memory-charts svg") }
    browser.run("document.querySelector('#memory-charts .chart-frame').focus()")
    browser.press("\uE012", "\uE012")
    expect("what the arrow keys read out", browser.text("#memory-charts .readout"), /^\d\d:\d\d:\d\d: /)

    browser.prefer(reduced_motion: "reduce")
    expect("what moves", browser.run("return [...document.querySelectorAll('.bar .fill')].filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length"), 0)
    expect("scrolling", browser.run("return getComputedStyle(document.documentElement).scrollBehavior"), "auto")
    expect("what is read aloud by itself", browser.run("return [...document.querySelectorAll('[role=status], [aria-live]')].map((one) => one.id || one.className)"),
           ->(ids) { (%w[link-words verdict replies] - ids).empty? })
  end
end
