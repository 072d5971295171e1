// The office's forms: nothing that was typed is lost by a button that does something else. They work without it.
"use strict";

(() => {
  const tools = document.querySelector(".object-tools[data-unsaved]");
  const form = document.querySelector("#content-main form[id$=_form]");
  if (!tools || !form) return;
  const written = () => new URLSearchParams(new FormData(form)).toString();
  let before = "";
  // After the admin's own scripts have filled in what they fill in.
  window.addEventListener("load", () => setTimeout(() => { before = written(); }, 300));
  tools.addEventListener("click", (event) => {
    if (before && before !== written() && !confirm(tools.dataset.unsaved)) event.preventDefault();
  });
})();
