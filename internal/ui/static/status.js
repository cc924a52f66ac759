// The landing page asks every ten seconds how things stand, as long as somebody looks. Whoever
// does not answer is not well: the last good news is not left standing.
"use strict";
(() => {
  async function ask() {
    if (document.hidden) return;
    const was = document.getElementById("status");
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("status");
      if (!answer.ok || !fresh) throw new Error("no status");
      if (was.outerHTML !== fresh.outerHTML) was.replaceWith(fresh);
    } catch {
      if (was.classList.contains("lost")) return;
      was.className = "pill bad lost";
      was.textContent = was.dataset.lost;
    }
  }
  setInterval(ask, 10000);
  document.addEventListener("visibilitychange", ask);
  addEventListener("online", ask);
})();
