// The hosted page waits for news of its invoice: by server-sent events, else by asking every
// three seconds. What changed is drawn by the server; this only puts it in place. Without it the
// page refreshes itself as plain HTML.
//
// A page is replaced by what is newer, and by nothing else: what was fetched for a page that has been
// replaced meanwhile is of an older one. While a form is under way (its <main> is aria-busy) its own
// answer comes next; only where that is overdue is the page drawn without it. What is left out is told
// again by the next look.
"use strict";
(() => {
  const pick = () => document.querySelector("main[data-watch]");
  const busy = (main) => main.getAttribute("aria-busy") === "true";
  const said = document.getElementById("said");
  let source, timer, step = 0, drawing = false, told = "", overdue = 0;

  function within(ms) {
    const patience = new AbortController();
    setTimeout(() => patience.abort(), ms);
    return patience.signal;
  }

  // A company's app is opened by one tap. Before we leave, the page's own address says with whom
  // we went, so that whoever comes back, or reloads, finds the way and not the choice.
  document.addEventListener("click", (event) => {
    const way = event.target.closest("a[data-way]");
    if (!way) return;
    document.cookie = "chorsu_way=" + way.dataset.way + "; Path=/pay; Max-Age=31536000; SameSite=Lax";
    const here = new URL(location.href);
    here.searchParams.set("by", way.dataset.way);
    history.replaceState(null, "", here);
    if (!way.dataset.deeplink) return;
    event.preventDefault(); // the app by its own scheme; the page on the web where nothing opens
    const web = setTimeout(() => { if (!document.hidden) location.href = way.href; }, 1500);
    addEventListener("pagehide", () => clearTimeout(web), { once: true });
    document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(web); }, { once: true });
    location.href = way.dataset.deeplink;
  });

  // draw puts the page in as it is now. anew: also where its state is the same.
  async function draw(anew) {
    const old = document.querySelector("main"), under = busy(old), at = location.href, here = new URL(at);
    if (drawing) return;
    drawing = true;
    // What is about the last press is no news; nor is the wish for another card once that is sent.
    for (const about of under ? ["new", "trouble"] : ["trouble"]) here.searchParams.delete(about);
    try {
      const answer = await fetch(here, { headers: { Accept: "text/html" }, cache: "no-store", signal: within(15000) });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      if (!main || old !== document.querySelector("main") || at !== location.href) return;
      if (!anew && main.dataset.state === old.dataset.state) return;
      if (busy(old) && (!under || main.dataset.state !== told || main.querySelector(".waits"))) return;
      place(old, main);
      history.replaceState(null, "", here);
      document.title = fresh.title;
      said.textContent = main.dataset.said || "";
      document.dispatchEvent(new Event("drawn"));
      watch();
    } catch { /* no network: the next look tries again */
    } finally { drawing = false; }
  }

  // place puts the new page in. Nobody asked for it: what somebody is typing stays, and a keyboard
  // stays where it was.
  function place(old, main) {
    const at = old.contains(document.activeElement) ? document.activeElement : null;
    const cursor = at && at.selectionStart;
    old.replaceWith(main);
    for (const was of old.querySelectorAll("input[id]")) {
      const now = main.querySelector("input#" + CSS.escape(was.id));
      if (now) now.value = was.value;
    }
    if (!at) return;
    const link = at.getAttribute("href");
    const same = at.id ? main.querySelector("#" + CSS.escape(at.id))
      : [...main.querySelectorAll(at.tagName)].find((e) => link ? e.getAttribute("href") === link : e.textContent === at.textContent);
    if (!same) return;
    same.focus({ preventScroll: true });
    if (typeof cursor === "number") same.setSelectionRange(cursor, cursor);
  }

  function look(state) {
    const main = pick();
    if (!main) return stop();
    const star = main.querySelector(".turns");
    if (star) star.style.transform = "rotate(" + 22.5 * ++step + "deg)";
    if (!state) return;
    if (state !== told) [told, overdue] = [state, 0];
    if (state !== main.dataset.state && (!busy(main) || ++overdue % 4 === 0)) draw();
  }

  async function ask() {
    const main = pick();
    if (!main) return stop();
    try {
      const answer = await fetch(main.dataset.watch + "/state", { cache: "no-store", signal: within(15000) });
      if (answer.ok) look((await answer.json()).state);
    } catch { /* as above */ }
  }

  function stop() {
    if (source) source.close();
    clearInterval(timer);
    source = timer = undefined;
  }

  function poll() {
    stop();
    timer = setInterval(ask, 3000);
  }

  function watch() {
    const main = pick();
    if (!main) return stop();
    if (source || timer) return;
    if (!window.EventSource) return poll();
    source = new EventSource(main.dataset.watch + "/events");
    source.onmessage = (event) => look(event.data);
    source.onerror = () => { if (source && source.readyState === EventSource.CLOSED) poll(); };
  }

  // Phones freeze a page that is not seen, and its stream with it.
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  addEventListener("pageshow", (event) => { if (event.persisted) draw(true).then(watch); });
  addEventListener("pagehide", stop);
  watch();
})();
