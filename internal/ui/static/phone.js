// The sandbox's page draws itself anew when something happened, and when a form was sent, without
// leaving: the shop's screen beside the phone keeps running. The server draws; this puts the parts
// in place. Without it every button loads the page as plain HTML.
"use strict";
(() => {
  const parts = ["phone", "shop", "clock", "faults", "told"];
  const main = document.getElementById("main");

  // put replaces what differs. What somebody has opened stays open, and what somebody is typing in
  // is left alone unless they asked.
  function put(html, asked) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const id of parts) {
      const was = document.getElementById(id), now = fresh.getElementById(id);
      if (!was || !now) continue;
      for (const open of was.querySelectorAll("details[open][id]")) {
        const same = now.querySelector("#" + CSS.escape(open.id));
        if (same) same.open = true;
      }
      const focused = was.contains(document.activeElement) ? document.activeElement : null;
      if (focused && !asked && /^(INPUT|SELECT|TEXTAREA)$/.test(focused.tagName)) continue;
      if (was.dataset.html === now.outerHTML) continue;
      const html = now.outerHTML;
      if (id === "shop" && was.querySelector("iframe")?.getAttribute("src") === now.querySelector("iframe")?.getAttribute("src")) continue;
      was.replaceWith(document.adoptNode(now));
      now.dataset.html = html;
      if (focused) (now.querySelector(focused.id ? "#" + CSS.escape(focused.id) : "a, button:not([hidden])") ?? now).focus?.();
    }
    document.title = fresh.title;
    eyes();
  }

  // Nothing is replaced under a finger: a press whose button is gone when it ends is no press.
  let pressed = false, waiting = false;
  const released = () => setTimeout(() => {
    pressed = false;
    if (!waiting) return;
    waiting = false;
    draw(location.href, {}, false);
  });
  addEventListener("pointerdown", () => { pressed = true; }, true);
  addEventListener("pointerup", released, true);
  addEventListener("pointercancel", released, true);

  // What somebody asked for comes before what the stream told of. Whatever was fetched before it
  // was asked for, or while it was under way, is of an older page, and is not drawn over it.
  let turn = 0;
  async function draw(address, options, asked) {
    const mine = asked ? ++turn : turn;
    try {
      const answer = await fetch(address, { cache: "no-store", headers: { Accept: "text/html" }, ...options });
      if (!answer.ok) return false;
      const html = await answer.text();
      if (mine !== turn) {
        if (!asked) draw(location.href, {}, false); // it told of something all the same
        return true;
      }
      if (!asked && pressed) { waiting = true; return true; }
      if (asked && answer.url !== location.href) history.pushState(null, "", answer.url);
      put(html, asked);
      if (asked) turn++;
      return true;
    } catch { return false; /* no network: the next word of the stream tries again */ }
  }

  main.addEventListener("submit", async (event) => {
    const form = event.target, data = new URLSearchParams(new FormData(form, event.submitter));
    event.preventDefault();
    if (main.getAttribute("aria-busy") === "true") return; // one press at a time
    main.setAttribute("aria-busy", "true");
    const done = form.method === "get" ? await draw(form.action + "?" + data, {}, true)
      : await draw(form.action, { method: "POST", body: data }, true);
    main.removeAttribute("aria-busy");
    if (!done) location.reload();
  });

  main.addEventListener("click", (event) => {
    const link = event.target.closest("#phone a[href]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      draw(link.href, {}, true);
      return;
    }
    const camera = event.target.closest("[data-scan]");
    if (camera) scan(camera);
  });

  // The camera reads the QR that the shop's screen shows at this moment.
  function scan(camera) {
    const code = document.getElementById("desk")?.contentDocument?.querySelector(".choice svg.qr[data-reads]");
    if (!code) {
      document.getElementById("scan-said").textContent = camera.dataset.blind;
      return;
    }
    document.getElementById("link").value = code.dataset.reads;
    document.getElementById("open-link").requestSubmit();
  }

  function eyes() {
    const camera = document.querySelector("[data-scan]");
    if (camera) camera.hidden = !document.getElementById("desk");
  }

  let said = "";
  const source = new EventSource(main.dataset.live);
  source.onmessage = (event) => {
    if (said && event.data !== said) draw(location.href, {}, false);
    said = event.data;
  };
  addEventListener("pagehide", () => source.close());
  addEventListener("popstate", () => draw(location.href, {}, true));
  eyes();
})();
