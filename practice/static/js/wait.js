// A page of something that is on its way looks for news by itself. It changes only when there is some, so nobody who
// reads it, or has it read aloud, is thrown back to its top meanwhile. Without JavaScript the page is loaded again.
"use strict";

(() => {
  const seconds = Number(document.currentScript.dataset.seconds);
  let { next } = document.currentScript.dataset;

  const look = async () => {
    const answer = await fetch(next).catch(() => null);
    if (!answer) return wait();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const script = page.querySelector("script[data-next]");
    if (!script) return location.replace(next);
    next = script.dataset.next;
    document.querySelectorAll("[data-news]").forEach((old, place) => old.replaceWith(page.querySelectorAll("[data-news]")[place] ?? ""));
    return wait();
  };
  const wait = () => setTimeout(look, seconds * 1000);
  wait();
})();
