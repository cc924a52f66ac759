// The cashier's page: everything goes through the agent's own local API, under an operation_id
// made here, so that a page that was closed, or an answer that was lost, charges nobody twice.
"use strict";
(() => {
  const main = document.querySelector("main.till");
  if (!main) return;
  const say = JSON.parse(main.dataset.words);
  const $ = (id) => document.getElementById(id);
  const sum = $("sum"), scan = $("scan");
  let told = null, busy = null, began = 0, qrTimer = 0, shownID = "";

  // ── The agent ──────────────────────────────────────────────────────────────────────────

  async function call(path, body) {
    const headers = {};
    const token = sessionStorage.getItem("till_token");
    if (token) headers.Authorization = "Bearer " + token;
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" });
    if (answer.status === 401) {
      sessionStorage.removeItem("till_token");
      const typed = prompt(say.token);
      if (!typed) throw new Error("401");
      sessionStorage.setItem("till_token", typed.trim());
      return call(path, body);
    }
    if (answer.status === 429) throw new Error("429"); // too many wrong tokens from this machine
    return answer.json();
  }

  // Tiyin of what was typed, in soums: digits, and at most two after a dot or a comma.
  function typed() {
    const text = sum.value.replace(/[\s\u00a0']/g, "").replace(",", ".");
    const m = /^(\d{1,11})(?:\.(\d{1,2}))?$/.exec(text);
    return m ? Number(m[1]) * 100 + Number((m[2] || "").padEnd(2, "0")) : 0;
  }

  const money = (t) => Math.floor(t / 100).toString().replace(/\B(?=(\d{3})+$)/g, "\u00a0") + (t % 100 ? "," + String(t % 100).padStart(2, "0") : "") + "\u00a0" + say.soum;

  // A UUID. crypto.randomUUID is for pages over https and of this machine only, and a page over the
  // shop's network is neither.
  function newID() {
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    return [...b].map((x, i) => ([4, 6, 8, 10].includes(i) ? "-" : "") + x.toString(16).padStart(2, "0")).join("");
  }

  // ── A payment ──────────────────────────────────────────────────────────────────────────

  async function pay(way, code) {
    const tiyin = typed();
    if (busy || !told) return;
    if (!tiyin) { verdict("waiting", say.noSum, ""); sum.focus(); return; }
    const id = newID();
    let path = "/payment/" + way, body = { amount: tiyin, operation_id: id };
    if (code !== undefined) {
      if (tiyin % told.wallet_unit) { verdict("waiting", say.noSum, ""); return; }
      body = { amount: tiyin / told.wallet_unit, qr_code: code, operation_id: id };
    } else if (way === "one_qr") {
      path = "/payment/one_qr/create";
      body = { external_id: String(Date.now()), amount: (tiyin / 100).toFixed(2), print: told.printer, operation_id: id };
    } else if (way === "qr_pay") {
      body = { amount: tiyin, order_id: String(Date.now()), print: told.printer, operation_id: id };
    }
    busy = { id, way };
    began = Date.now();
    verdict("waiting", money(tiyin), say.waiting);
    const mine = busy;
    try { mine.answer = await call(path, body); } catch { mine.answer = {}; /* the operation tells */ }
    await look();
  }

  // The operation, and not the answer, says what came of it.
  async function look() {
    if (!busy) return;
    let op;
    try {
      const a = await call("/payment/operations/" + busy.id);
      if (a.error && a.error.code === 105) { // not written yet, or refused before it was
        unheard();
        return;
      }
      op = a.data;
    } catch { $("note").textContent = say.noLink; return; }
    if (!op) return;
    switch (op.state) {
      case "approved": finish("paid", say.paid + " · " + money(op.amount), op.rrn ? "RRN " + op.rrn : "", op); beep(); break;
      case "unknown": finish("unknown", say.unknown, say.doNot, op); break;
      case "in_progress": if (op.qr_text) await showQR(op); break;
      default: finish("failed", say.declined, [op.code, op.message].filter(Boolean).join(" · "), null);
    }
  }

  // The agent has no operation of our id: it was refused before it was written, or another stands in
  // its stead. Only the first is "no money was taken".
  function unheard() {
    const answer = busy.answer;
    if (!answer) return;
    const refusal = answer.error, why = refusal ? refusal.data || refusal.message : "";
    if (answer.is_success) {
      const id = answer.data && answer.data.transaction_id;
      if (id && id !== busy.id) busy.id = id;
      else finish("unknown", say.unknown, say.doNot, null);
    } else if (/^(unresolved|in_progress):/.test(why)) {
      finish("unknown", say.unknown, say.doNot + " " + why, null);
    } else {
      finish("failed", say.declined, why, null);
    }
  }

  async function showQR(op) {
    if (shownID !== op.id) {
      shownID = op.id;
      busy.invoice = op.payment_id;
      const a = await call("/till/qr?id=" + op.id);
      if (a.data) $("qr").innerHTML = a.data.svg; // drawn by the agent
      $("note").textContent = say.qrWaits;
    }
    if (Date.now() - qrTimer > 3000) {
      qrTimer = Date.now();
      call("/payment/operations/" + op.id + "/resolve", { decision: "check" }).catch(() => {});
    }
  }

  function verdict(state, said, note) {
    const box = $("state");
    box.className = "verdict " + state;
    box.hidden = false;
    $("said").textContent = said;
    $("note").textContent = note;
    $("seconds").textContent = "";
    $("qr").replaceChildren();
    $("slip").hidden = $("after").hidden = true;
  }

  async function finish(state, said, note, op) {
    busy = null;
    shownID = "";
    verdict(state, said, note);
    if (state === "paid" || state === "unknown") sum.value = ""; // nobody charges it again by one key
    if (scan) scan.value = "";
    sum.focus();
    if (!op) return;
    const a = await call("/till/slip?id=" + op.id).catch(() => null);
    if (!a || !a.data) return;
    $("slip").textContent = a.data.copies[0];
    $("slip").hidden = false;
    $("print").dataset.id = op.id;
    $("after").hidden = false;
  }

  function beep() {
    try {
      const ctx = new AudioContext(), tone = ctx.createOscillator(), soft = ctx.createGain();
      soft.gain.value = 0.1;
      tone.frequency.value = 880;
      tone.connect(soft).connect(ctx.destination);
      tone.start();
      tone.stop(ctx.currentTime + 0.15);
    } catch { /* no sound is no fault */ }
  }

  async function print() {
    const id = $("print").dataset.id;
    if (!id || $("after").hidden) return;
    if (!told.printer) { window.print(); return; }
    const a = await call("/till/print?id=" + id, {});
    if (a.error) $("note").textContent = a.error.data || a.error.message;
  }

  // ── What is not known, and the end of the shift ────────────────────────────────────────

  function el(tag, text, attributes) {
    const e = document.createElement(tag);
    if (text) e.textContent = text;
    Object.assign(e, attributes || {});
    return e;
  }

  // What is not known, and what was decided and then contradicted: a person decides.
  function drawOpen(list, section, rows) {
    const ids = list.map((op) => op.id).join();
    $(section).hidden = list.length === 0;
    if ($(rows).dataset.ids === ids) return; // somebody may be typing there
    $(rows).dataset.ids = ids;
    $(rows).replaceChildren(...list.map((op) => {
      const row = el("div");
      const who = el("input", "", { placeholder: say.who, ariaLabel: say.who, maxLength: 64 });
      const rrn = el("input", "", { placeholder: say.rrn, ariaLabel: say.rrn, maxLength: 12, inputMode: "numeric" });
      const decide = (decision) => async () => {
        const body = { decision };
        if (decision !== "check") {
          if (!who.value.trim()) { who.focus(); return; }
          body.name = who.value.trim();
          if (decision === "approve" && rrn.value) body.rrn = rrn.value;
        }
        await call("/payment/operations/" + op.id + "/resolve", body);
        state();
      };
      const button = (text, decision, more) => {
        const b = el("button", text, { type: "button", className: "button small " + more, onclick: decide(decision) });
        b.dataset.decision = decision;
        return b;
      };
      row.append(el("b", money(op.amount)), el("span", op.endpoint + " · " + time(op.created_at)));
      if (op.state === "unknown") row.append(button("F5 " + say.check, "check", ""));
      else row.append(el("span", op.message + (op.rrn ? " · RRN " + op.rrn : "") + (op.payment_id ? " · " + op.payment_id : "")));
      const terminal = told.totals[op.endpoint];
      if (terminal && !terminal.can_ask) row.append(el("span", say.alone));
      row.append(who, rrn, button(say.approve, "approve", "quiet"), button(say.void, "void", "quiet"));
      return row;
    }));
  }

  const time = (iso) => new Date(iso).toLocaleTimeString("ru-RU", { timeZone: "Asia/Tashkent" });

  function drawLast(list) {
    $("last").replaceChildren(...list.map((op) => {
      const row = el("tr");
      const tone = { approved: "paid", unknown: "unknown", in_progress: "waiting" }[op.state] || "failed";
      const word = { approved: say.paid, unknown: say.unknown, in_progress: say.waiting }[op.state] || op.code || "—";
      row.append(el("td", time(op.created_at)), el("td", op.kind === "sale" ? op.endpoint : op.endpoint + " · " + op.kind), el("td", op.kind === "close" ? "" : money(op.amount), { className: "num" }));
      const state = el("td");
      state.append(el("span", word, { className: "badge " + tone }));
      row.append(state, el("td", op.rrn || "", { className: "mono" }));
      return row;
    }));
  }

  // A pinpad's totals beside ours, the difference in words, and the pinpad's own report.
  async function shift() {
    if (!told || !$("shift")) return;
    const boxes = [];
    for (const endpoints of told.shifts) {
      const box = el("div"), before = told.totals;
      box.append(el("h3", endpoints.map((e) => say["title_" + e]).join(" · ")));
      boxes.push(box);
      const a = await call("/payment/" + endpoints[0] + "_close").catch(() => null);
      if (!a || !a.data) {
        box.append(el("p", a && a.error ? a.error.message + " " + (a.error.data || "") : say.noLink, { className: "failed" }));
        for (const e of endpoints) box.append(el("p", say.ours + ", " + say["title_" + e] + ": " + say.sales + " " + count(before[e].sales, before[e].salesAmount) + ", " + say.returns + " " + count(before[e].returns, before[e].returnsAmount)));
        continue;
      }
      const closed = await call("/till/shift?endpoint=" + endpoints[0] + "&lang=" + document.documentElement.lang).catch(() => null);
      if (closed && closed.data) box.append(...compared(endpoints, closed.data));
      box.append(el("p", say.terminal, { className: "muted" }), el("pre", a.data.message, { tabIndex: 0 }));
    }
    $("report").replaceChildren(...boxes);
    $("report").hidden = false;
    state();
  }

  const count = (n, amount) => n + " · " + money(amount);

  function compared(endpoints, closed) {
    const table = el("table", "", { className: "dense" }), body = el("tbody");
    const line = (name, t, more) => {
      const row = el("tr", "", { className: more || "" });
      row.append(el("th", name, { scope: "row" }), el("td", count(t.sales, t.salesAmount), { className: "num" }), el("td", count(t.returns, t.returnsAmount), { className: "num" }));
      body.append(row);
    };
    const head = el("thead"), top = el("tr");
    top.append(el("td"), el("th", say.sales, { scope: "col" }), el("th", say.returns, { scope: "col" }));
    head.append(top);
    for (const e of endpoints) line(say.ours + ", " + say["title_" + e], closed.ours[e]);
    if (endpoints.length > 1) line(say.ours + ", " + say.sum, closed.sum);
    if (closed.theirs) line(say.terminal, closed.theirs);
    table.append(head, body);
    const region = el("div", "", { className: "scroll", tabIndex: 0 });
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", endpoints.map((e) => say["title_" + e]).join(" · "));
    region.append(table);
    return [region, el("p", closed.said, { className: "notice " + closed.tone })];
  }

  // ── Keys ───────────────────────────────────────────────────────────────────────────────

  // A QR that nobody pays is left: the box's is cancelled, and Scan2pay's can be paid still, which the
  // agent goes on asking about. What the buyer pays just now stands.
  async function leave() {
    const mine = busy;
    if (mine.leaving) return;
    mine.leaving = true;
    if (mine.way === "one_qr") {
      await call("/payment/one_qr/cancel", { invoice_id: mine.invoice }).catch(() => null);
      await look();
    }
    if (busy !== mine) return;
    busy = null;
    shownID = "";
    verdict("waiting", say.left, "");
    sum.focus();
  }

  // A pinpad is asked to stop, which it does before the card. The result is what it says then.
  async function stop() {
    const mine = busy;
    if (!told.totals[mine.way]) return;
    const a = await call("/payment/operations/" + mine.id + "/cancel", {}).catch(() => null);
    if (busy !== mine || !a) return;
    if (a.error && a.error.data === "902") mine.note = say.noStop;
    if (a.data && a.data.asked) mine.note = say.stopping;
    if (mine.note) $("note").textContent = mine.note;
  }

  function clear() {
    if (busy && shownID) { leave(); return; }
    if (busy) { stop(); return; }
    sum.value = "";
    if (scan) scan.value = "";
    $("state").hidden = true;
    sum.focus();
  }

  document.addEventListener("keydown", (event) => {
    const wallets = [...document.querySelectorAll("input[name=wallet]")];
    const n = Number(event.key) - 1;
    if (event.altKey && wallets[n]) { wallets[n].checked = true; (typed() ? scan : sum).focus(); event.preventDefault(); return; }
    const way = document.querySelector('[data-way][data-key="' + CSS.escape(event.key) + '"]');
    if (way) { pay(way.dataset.way); event.preventDefault(); return; }
    switch (event.key) {
      case "Escape": if (!event.repeat) clear(); break;
      case "F5": for (const b of document.querySelectorAll('[data-decision="check"]')) b.click(); event.preventDefault(); break;
      case "F8": print(); event.preventDefault(); break;
      case "F10": shift(); event.preventDefault(); break;
      case "Enter":
        if (event.target === sum && scan) { scan.focus(); event.preventDefault(); }
        if (event.target === scan && scan.value.trim()) {
          const chosen = document.querySelector("input[name=wallet]:checked");
          if (chosen) pay(chosen.value, scan.value.trim());
          event.preventDefault();
        }
    }
  });
  for (const b of document.querySelectorAll("[data-way]")) b.addEventListener("click", () => pay(b.dataset.way));
  $("clear").addEventListener("click", clear);
  $("print").addEventListener("click", print);
  if ($("shift")) $("shift").addEventListener("click", shift);
  $("sale").addEventListener("submit", (event) => event.preventDefault());

  // ── Once a second ──────────────────────────────────────────────────────────────────────

  async function state() {
    try {
      const a = await call("/till/state");
      if (!a.data) return;
      told = a.data;
      $("gateway").textContent = told.gateway === "none" ? "" : say.gateway + ": " + told.gateway + (told.refused ? ", " + say.refused.replace("{n}", told.refused) : "");
      $("gateway").classList.toggle("failed", told.refused > 0);
      drawOpen(told.unknown, "unknown", "open");
      drawOpen(told.contradicted, "contradicted", "against");
      $("receipts").hidden = told.receipts.length === 0;
      $("links").replaceChildren(...told.receipts.map((op) => el("li", money(op.amount) + " · " + op.endpoint + " · " + time(op.created_at) + " · " + (op.receipt_error || ""))));
      $("closing").hidden = told.closings.length === 0;
      drawLast(told.last);
      if (busy && !busy.note && told.shows[busy.way]) $("note").textContent = told.shows[busy.way];
    } catch { $("gateway").textContent = say.noLink; }
  }

  let looking = false;
  setInterval(async () => {
    $("clock").textContent = new Date().toLocaleTimeString("ru-RU", { timeZone: "Asia/Tashkent" });
    if (busy) $("seconds").textContent = Math.floor((Date.now() - began) / 1000) + " s";
    if (looking) return;
    looking = true;
    try { await state(); await look(); } finally { looking = false; }
  }, 1000);
  state();
  sum.focus();
})();
