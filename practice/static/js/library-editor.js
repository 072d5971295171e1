// The article's form: buttons for Markdown, and how the text reads while it is written. The form works without it.
"use strict";

(() => {
  const host = document.getElementById("library-editor");
  if (!host) return;
  const words = host.dataset;
  const form = host.closest("form");

  const meter = document.createElement("div");
  meter.className = "meter";
  meter.setAttribute("role", "status");
  host.append(meter);
  form.append(host);

  function texts() {
    const summary = form.querySelector("#id_summary");
    const bodies = [...form.querySelectorAll("textarea.markdown")].filter(
      (area) => area.offsetParent && !area.closest(".inline-related").querySelector("input[name$=DELETE]:checked"),
    );
    return [summary, ...bodies].filter(Boolean).map((field) => field.value);
  }

  function line(label, found) {
    const paragraph = document.createElement("div");
    const strong = document.createElement("strong");
    strong.textContent = `${label}: `;
    paragraph.append(strong, found.join(", "));
    return paragraph;
  }

  let latest = 0;
  async function check() {
    const asked = ++latest;
    try {
      const response = await fetch(words.check, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value,
        },
        body: JSON.stringify({ language: form.querySelector("#id_language")?.value || "en", texts: texts() }),
      });
      if (!response.ok) throw new Error(response.status);
      const found = await response.json();
      if (asked !== latest) return;
      meter.className = `meter ${found.level}`;
      const head = document.createElement("div");
      const grade = document.createElement("strong");
      grade.textContent = `${words.grade} ${found.grade}`;
      head.append(grade, ` · ${found.words} ${words.words} · ${found.verdict}`);
      meter.replaceChildren(head);
      if (found.unexplained.length) meter.append(line(words.unexplained, found.unexplained.slice(0, 15)));
      for (const problem of found.links) meter.append(problem, document.createElement("br"));
    } catch {
      if (asked === latest) meter.textContent = words.away;
    }
  }

  let timer;
  form.addEventListener("input", (event) => {
    if (!event.target.matches("textarea.markdown, #id_summary, #id_language")) return;
    clearTimeout(timer);
    timer = setTimeout(check, 700);
  });

  function wrap(area, before, after) {
    const { selectionStart: start, selectionEnd: end, value } = area;
    area.setRangeText(before + value.slice(start, end) + after, start, end, "select");
    area.setSelectionRange(start + before.length, end + before.length);
  }

  function lines(area, mark) {
    const { value } = area;
    const start = value.lastIndexOf("\n", area.selectionStart - 1) + 1;
    const end = area.selectionEnd;
    const marked = value.slice(start, end).split("\n").map((text, number) => mark(number) + text).join("\n");
    area.setRangeText(marked, start, end, "end");
  }

  const buttons = [
    [words.bold, (area) => wrap(area, "**", "**")],
    [words.list, (area) => lines(area, () => "- ")],
    [words.steps, (area) => lines(area, (number) => `${number + 1}. `)],
    [words.heading, (area) => lines(area, () => "### ")],
    [words.link, (area) => wrap(area, "[", "](https://)")],
  ];

  function equip(area) {
    if (area.dataset.equipped || area.name.includes("__prefix__")) return;
    area.dataset.equipped = "yes";
    const row = document.createElement("div");
    row.className = "editor-buttons";
    for (const [label, act] of buttons) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => {
        act(area);
        area.focus();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      });
      row.append(button);
    }
    const editor = document.createElement("div");
    editor.className = "editor";
    area.replaceWith(editor);
    editor.append(row, area);
  }

  const equipAll = () => form.querySelectorAll("textarea.markdown").forEach(equip);
  equipAll();
  document.addEventListener("formset:added", equipAll);
  check();
})();
