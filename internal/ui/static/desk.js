// The staff's pages. They work without this; with it they draw themselves anew when the book
// changes, and are walked by the keyboard.
"use strict";
(() => {
  const gap = 4000; // milliseconds between two drawings, at least
  let last = Date.now(), known, timer, source, drawing = false;

  const live = () => document.querySelector("[data-live]");

  // busy says whether somebody is in the middle of something that a new drawing would take away. A
  // button that was pressed keeps the focus, and is nothing that can be lost.
  function busy(part) {
    const at = document.activeElement;
    return part.querySelector("input:checked, details.sure[open]") ||
      part.contains(at) && at.matches("input, textarea, select") ||
      [...part.querySelectorAll("textarea")].some((t) => t.value !== t.defaultValue) ||
      String(getSelection()) !== "" && part.contains(getSelection().anchorNode);
  }

  async function draw() {
    const part = live();
    if (!part || drawing || document.hidden) return;
    if (busy(part)) return later(gap);
    drawing = true;
    last = Date.now();
    try {
      // The page that answers an action says where it can be read again: its own address cannot.
      const here = new URL(part.dataset.here || location.href, location.href);
      here.searchParams.delete("done"); // said once
      here.searchParams.delete("of");
      // X-Live: nobody asks for this but the page itself, and a session ends that nobody uses.
      const answer = await fetch(here, { headers: { Accept: "text/html", "X-Live": "1" }, cache: "no-store", redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (!fresh || busy(part)) return;
      for (const open of part.querySelectorAll("details[open][id]")) {
        const same = fresh.querySelector("#" + CSS.escape(open.id));
        if (same) same.open = true;
      }
      for (const button of fresh.querySelectorAll("[data-copy]")) button.hidden = false;
      const notice = part.querySelector(":scope > [role=status]");
      if (notice && !fresh.querySelector(":scope > [role=status]")) fresh.prepend(notice);
      part.replaceWith(fresh);
    } catch { /* no network, or signed out meanwhile: the next look tries again */
    } finally { drawing = false; }
  }

  function later(ms) {
    clearTimeout(timer);
    timer = setTimeout(draw, ms);
  }

  function heard(pulse) {
    if (known !== undefined && pulse !== known) later(Math.max(0, last + gap - Date.now()));
    known = pulse;
  }

  function watch() {
    const part = live();
    if (!part || source || !window.EventSource) return;
    source = new EventSource(part.dataset.live);
    source.onmessage = (event) => heard(event.data);
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) { source = undefined; setTimeout(watch, 10000); } };
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden && known !== undefined) later(0); });
  addEventListener("pagehide", () => { if (source) source.close(); source = undefined; });
  addEventListener("pageshow", (event) => { if (event.persisted) { watch(); later(0); } });
  watch();

  // The copy buttons of a part that was drawn anew.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".live [data-copy]");
    if (!button || !document.contains(button)) return;
    try { await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent); } catch { /* chorsu.js marks it */ }
  });

  // / leads to the search, j and k walk the rows, Enter opens one, r sends a stuck event again.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    const links = [...document.querySelectorAll(".rows .name a, .list td:first-child a, .heap a")];
    const at = links.indexOf(document.activeElement);
    const go = (i) => { if (links[i]) { links[i].focus(); event.preventDefault(); } };
    switch (event.key) {
      case "/": document.getElementById("find")?.focus(); event.preventDefault(); break;
      case "j": go(at + 1); break;
      case "k": go(at < 0 ? 0 : at - 1); break;
      case "r": document.activeElement.closest("tr")?.querySelector("button[name=one]")?.click(); break;
    }
  });
})();
