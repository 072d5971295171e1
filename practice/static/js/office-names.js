// The office's fields have names for those who hear the page: the column's, the date's, the list's to choose from.
// Django's admin shows these beside the fields, and ties them to nothing. Whatever appears later gets its name too.
"use strict";

(() => {
  const textOf = (element) => (element ? element.textContent.trim().replace(/\s+/g, " ").replace(/[:*]$/, "") : "");
  const labelOf = (field) => textOf(field.closest(".form-row, .flex-container, fieldset")?.querySelector("label, legend"));
  const isNameless = (field) => !field.labels?.length && !field.ariaLabel && !field.getAttribute("aria-labelledby");
  const name = (element, text) => { if (text && element.ariaLabel !== text) element.ariaLabel = text; };

  const columnOf = (field) => {
    const cell = field.closest("td");
    const heads = cell?.closest("table")?.tHead?.rows[0]?.cells;
    let place = 0;
    for (const head of heads ?? []) {
      if (place === cell.cellIndex || (head.colSpan > 1 && cell.cellIndex < place + head.colSpan)) return textOf(head);
      place += head.colSpan;
    }
    return "";
  };

  const nameAll = () => {
    document.querySelectorAll("main td :is(input, select, textarea):not([type=hidden])").forEach((field) => {
      if (isNameless(field)) name(field, columnOf(field));
    });
    document.querySelectorAll(".datetime input").forEach((field) => {
      const beside = field.previousSibling?.textContent.trim().replace(/:$/, "") ?? "";
      if (isNameless(field)) name(field, `${columnOf(field) || labelOf(field)} ${beside}`.trim());
    });
    document.querySelectorAll(".select2-selection").forEach((box) => {
      const select = box.closest(".select2-container")?.previousElementSibling;
      if (!select) return;
      const text = textOf(select.labels?.[0]) || select.ariaLabel || columnOf(select) || labelOf(select);
      const shown = box.querySelector(".select2-selection__rendered");
      if (shown?.role === "textbox") shown.removeAttribute("aria-readonly");
      [shown, ...box.querySelectorAll("li")].forEach((part) => { if (part && part.role !== "presentation") part.role = "presentation"; });
      const chosen = box.classList.contains("select2-selection--single") ? textOf(shown) : "";
      if (box.hasAttribute("aria-labelledby")) box.removeAttribute("aria-labelledby");
      name(box, chosen ? `${text}: ${chosen}` : text);
      box.querySelectorAll(".select2-search__field").forEach((field) => name(field, text));
    });
    document.querySelectorAll(".help-tooltip[aria-label]:not([role])").forEach((sign) => { sign.role = "img"; });
    document.querySelectorAll("main th").forEach((head) => { if (!textOf(head) && !head.children.length) head.role = "presentation"; });
    document.querySelectorAll("main [aria-describedby]").forEach((field) => {
      if (!field.getAttribute("aria-describedby").split(" ").every((id) => document.getElementById(id))) field.removeAttribute("aria-describedby");
    });
  };

  let isAsked = false;
  const soon = () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => { isAsked = false; nameAll(); });
  };
  nameAll();
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });

  const wrong = document.querySelector("#content .errornote");
  if (wrong) wrong.tabIndex = -1;
  window.addEventListener("load", () => wrong?.focus()); // after the admin's own script has chosen the first field
})();
