// The hosted page waits for news of its invoice: by server-sent events, else by asking every
// three seconds. What changed is drawn by the server; this only puts it in place. Without it the
// page refreshes itself as plain HTML.
"use strict";
(() => {
  const pick = () => document.querySelector("main[data-watch]");
  const said = document.getElementById("said");
  let source, timer, step = 0, drawing = false;

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

  async function draw() {
    if (drawing) return;
    drawing = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      if (!main) return;
      const old = document.querySelector("main"), at = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
      old.replaceWith(main);
      const same = at && [...main.querySelectorAll("a")].find((a) => a.getAttribute("href") === at);
      if (same) same.focus({ preventScroll: true }); // a keyboard stays where it was
      document.title = fresh.title;
      said.textContent = main.dataset.said || "";
      watch();
    } catch { /* no network: the next look tries again */
    } finally { drawing = false; }
  }

  function look(state) {
    const main = pick();
    if (!main) return stop();
    const star = main.querySelector(".turns");
    if (star) star.style.transform = "rotate(" + 22.5 * ++step + "deg)";
    if (state && state !== main.dataset.state) draw();
  }

  async function ask() {
    const main = pick();
    if (!main) return stop();
    try {
      const answer = await fetch(main.dataset.watch + "/state", { cache: "no-store" });
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
  addEventListener("pageshow", (event) => { if (event.persisted) draw().then(watch); });
  addEventListener("pagehide", stop);
  watch();
})();
