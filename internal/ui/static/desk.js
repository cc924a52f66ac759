// The staff's pages. They work without this; with it they draw themselves anew when the book
// changes, and are walked by the keyboard.
"use strict";
(() => {
  const gap = 4000; // milliseconds between two drawings, at least
  const alone = 15000; // and where no stream of news can be had
  let last = Date.now(), known, timer, source, polling, drawing = false;

  const live = () => document.querySelector("[data-live]");

  // touched says whether a field is not as the page was drawn.
  const touched = (field) => field.matches("select")
    ? ![...field.options].every((o, i) => o.selected === (o.defaultSelected || i === 0 && ![...field.options].some((x) => x.defaultSelected)))
    : field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;

  // busy says whether somebody is in the middle of something that a new drawing would take away.
  function busy(part) {
    const at = document.activeElement;
    return part.querySelector("details.sure[open]") ||
      part.contains(at) && at.matches("input, textarea, select") ||
      [...part.querySelectorAll("input:not([type=hidden]), textarea, select")].some(touched) ||
      String(getSelection()) !== "" && part.contains(getSelection().anchorNode);
  }

  // place says which link or button has the keyboard, so that a new drawing can give it back.
  function place(part) {
    const at = document.activeElement;
    if (!part.contains(at)) return;
    const name = (el) => el.matches("a") ? el.getAttribute("href") : [el.form?.getAttribute("action"), el.name, el.value, el.dataset.copy].join(" ");
    const among = (root) => [...root.querySelectorAll(at.tagName)];
    const same = among(part).filter((el) => name(el) === name(at)).indexOf(at);
    return (fresh) => {
      const els = among(fresh);
      const to = at.id && els.find((el) => el.id === at.id) || els.filter((el) => name(el) === name(at))[same];
      to?.focus({ preventScroll: true });
    };
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
      here.searchParams.delete("did");
      here.searchParams.delete("of");
      // X-Live: nobody asks for this but the page itself, and a session ends that nobody uses.
      const answer = await fetch(here, { headers: { Accept: "text/html", "X-Live": "1" }, cache: "no-store", redirect: "error" });
      if (answer.status === 401) return location.assign(here); // signed out: nothing old is left standing
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
      const back = place(part);
      part.replaceWith(fresh);
      back?.(fresh);
    } catch { /* no network: the next look tries again */
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

  // A tab that nobody sees holds no stream: a browser has few connections to one host. Where there
  // is none to be had, as for somebody who is signed out, the page looks by itself.
  function watch() {
    const part = live();
    if (!part || source || document.hidden || !window.EventSource) return;
    source = new EventSource(part.dataset.live);
    source.onmessage = (event) => { clearInterval(polling); polling = undefined; heard(event.data); };
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      source = undefined;
      polling ??= setInterval(() => { draw(); watch(); }, alone);
      later(1000);
    };
  }

  function rest() {
    if (source) source.close();
    source = undefined;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return rest();
    watch();
    if (known !== undefined) later(0);
  });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => { if (event.persisted) { watch(); later(0); } });
  watch();

  // The copy buttons of a part that was drawn anew.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".live [data-copy]");
    if (!button || !document.contains(button)) return;
    try { await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent); } catch { /* chorsu.js marks it */ }
  });

  // / leads to the search, j and k walk the rows, Enter opens one, r sends a stuck event again. Whoever
  // dictates, or is otherwise troubled by single letters, turns them off on the page of their account.
  if (document.querySelector(".desk")?.dataset.keys === "off") return;
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
