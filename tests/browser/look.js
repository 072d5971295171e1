// What the tests of care ask a page. It is there before anything of the page.
"use strict";

window.look = {
  shifts: 0,

  async violations(rules) {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const runOnly = rules.length ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}`));
  },

  // Until the page has been drawn as it is now; before, it is not at what it begins with either.
  frame() { return new Promise((done) => requestAnimationFrame(() => setTimeout(done))); },

  // How far things have moved by themselves since the page began, once everything is there.
  async moved() {
    await look.frame();
    return look.shifts;
  },

  // What sticks out to the right.
  wide() {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const out = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
    return out.slice(0, 3).map((element) => `${element.tagName} .${element.className}`).concat("the page");
  },

  // What is cut off: text in a box that neither grows nor scrolls.
  cut() {
    return [...document.querySelectorAll("body *")].filter((element) => {
      const { overflowX, overflowY, clipPath } = getComputedStyle(element);
      const isTaller = element.scrollHeight > element.clientHeight + 2, isWider = element.scrollWidth > element.clientWidth + 2;
      return element.clientHeight && clipPath === "none" && ((overflowY === "hidden" && isTaller) || (overflowX === "hidden" && isWider));
    }).map((element) => `${element.tagName} .${element.className}`);
  },

  // Text as large as somebody with weak eyes sets it, and as far apart as somebody with dyslexia does (WCAG 1.4.4, 1.4.12).
  enlarged() { return look.while("html { font-size: 225% !important }"); },
  spaced() { return look.while("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"); },
  while(style) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    document.adoptedStyleSheets = [sheet];
    const found = [...look.wide(), ...look.cut()];
    document.adoptedStyleSheets = [];
    return found;
  },

  isAfterAll(script) {
    const main = document.querySelector("main");
    return !main.contains(script) && !!(main.compareDocumentPosition(script) & Node.DOCUMENT_POSITION_FOLLOWING);
  },
  // Scripts that the page would wait for, and places in the order of Tab that are not the text's.
  hindrances() {
    const scripts = [...document.querySelectorAll("script[src]")].filter((script) => !script.defer && !script.async && script.type !== "module" && !look.isAfterAll(script));
    const jumps = [...document.querySelectorAll("[tabindex]")].filter((element) => element.tabIndex > 0);
    const fonts = [...document.fonts].map((font) => font.family);
    return [...scripts.map((script) => `waits for ${script.src}`), ...jumps.map((element) => `jumps to ${element.outerHTML}`), ...fonts];
  },

  // What moves, or would, though its reader has asked that nothing does.
  restless() {
    return [...document.querySelectorAll("html, body *")].filter((element) => {
      const style = getComputedStyle(element);
      return parseFloat(style.transitionDuration) || style.animationName !== "none" || style.scrollBehavior !== "auto";
    }).map((element) => `${element.tagName} .${element.className}`);
  },

  async names(selector) {
    await look.frame();
    return document.activeElement.matches(selector);
  },

  // What paper would show that is of no use there, and text that would not be dark on white.
  printed() {
    const isShown = (element) => element.checkVisibility() && element.getBoundingClientRect().height > 0;
    const light = (colour) => colour.match(/[\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765;
    const useless = [...document.querySelectorAll("nav, form, button:not(.word), .skip, .language, .menu")].filter(isShown);
    const pale = [...document.querySelectorAll("h1, h2, h3, p, li, dd, dt, td, th, a")].filter((element) => isShown(element) && light(getComputedStyle(element).color) > 0.4);
    const paper = light(getComputedStyle(document.body).backgroundColor) < 1 ? ["the paper is not white"] : [];
    return [...useless, ...pale].map((element) => element.outerHTML.slice(0, 80)).concat(paper);
  },

  // What can be used and shows no edge, and what shows no ring when it is in focus.
  lost() {
    const controls = [...document.querySelectorAll(".button, input:not([type=hidden]), select, textarea")].filter((element) => element.checkVisibility());
    const edgeless = controls.filter((element) => !["checkbox", "radio"].includes(element.type) && getComputedStyle(element).borderTopStyle === "none");
    const ringless = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter((element) => {
      if (!element.checkVisibility()) return false;
      element.focus({ focusVisible: true, preventScroll: true });
      return document.activeElement === element && getComputedStyle(element).outlineStyle === "none";
    });
    return [...edgeless, ...ringless].map((element) => element.outerHTML.slice(0, 80));
  },

  // What is in focus: its name, and what keeps somebody from seeing that it is there (WCAG 2.4.7, 2.4.11).
  async focus() {
    await look.frame(); // until it has come into view
    const element = document.activeElement;
    if (element === document.body) return { name: "", hidden: [] };
    const text = element.labels?.[0]?.innerText || element.getAttribute("aria-label") || element.innerText || element.value || element.id;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const box = element.getClientRects()[0] ?? new DOMRect();
    const from = Math.max(box.top, 0), to = Math.min(box.bottom, innerHeight); // of a tall box, a browser shows the cursor
    const top = to - from < 12 ? null : document.elementFromPoint(box.x + box.width / 2, (from + to) / 2);
    const hidden = [];
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) hidden.push("no ring");
    if (!top) hidden.push("out of sight");
    else if (!element.contains(top) && !top.contains(element) && !top.closest("label")?.contains(element)) hidden.push(`under ${top.outerHTML.slice(0, 80)}`);
    return { name: text.trim().replace(/\s+/g, " "), hidden };
  },

  form() {
    const forms = [...document.querySelectorAll("main form[method=post], #content form[method=post]")];
    return forms.find((form) => form.querySelector("input:not([type=hidden], [type=submit]), textarea, select"));
  },
  // The list of what is wrong is there, in focus, and the page's title says so.
  async summary() {
    const isInFocus = await look.names(".error-summary");
    return isInFocus && /^\s*Error:/.test(document.title);
  },
  asks() { return !!look.form(); },
  send() {
    const form = look.form();
    if (!form) return;
    form.noValidate = true;
    form.requestSubmit(form.querySelector("button:not([type=button]), [type=submit]"));
  },
};

new PerformanceObserver((list) => list.getEntries().forEach((shift) => { look.shifts += shift.value; })).observe({ type: "layout-shift", buffered: true });
