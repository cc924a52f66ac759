// The card's own form: its number and expiry are checked before they leave the page, and a second
// code can be asked for without typing the card again. What was typed is kept in this page's memory
// and nowhere else, and is gone with it. Without this the server says what is wrong.
"use strict";
(() => {
  const said = document.getElementById("said");
  let kept = null; // the card's fields, while its code is awaited

  const digits = (text) => text.replace(/\D/g, "");

  function luhn(number) {
    let sum = 0;
    for (let i = 0; i < number.length; i++) {
      let d = +number[number.length - 1 - i];
      if (i % 2 && (d *= 2) > 9) d -= 9;
      sum += d;
    }
    return sum % 10 === 0;
  }

  // fault says what is wrong with a field, "" where nothing is.
  function fault(form, field) {
    const typed = digits(field.value);
    if (field.name === "number") return typed.length === 16 && luhn(typed) ? "" : form.dataset.badNumber;
    if (field.name !== "expiry") return "";
    if (typed.length !== 4 || +typed.slice(0, 2) < 1 || +typed.slice(0, 2) > 12) return form.dataset.badExpiry;
    return typed.slice(2) + typed.slice(0, 2) < form.dataset.today ? form.dataset.expired : "";
  }

  document.addEventListener("input", (event) => {
    const field = event.target, form = field.form;
    if (!form || !("card" in form.dataset)) return;
    field.setCustomValidity("");
    if (field.selectionEnd !== field.value.length) return; // do not move somebody's cursor
    if (field.name === "number") field.value = digits(field.value).slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");
    if (field.name === "expiry" && event.inputType !== "deleteContentBackward") field.value = digits(field.value).slice(0, 4).replace(/^(..)(?=.)/, "$1/");
  });

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.form && "card" in field.form.dataset && field.value) field.setCustomValidity(fault(field.form, field));
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const card = "card" in form.dataset, resend = "resend" in form.dataset;
    if (!card && !resend && !("code" in form.dataset)) return;
    if (form.closest("main").getAttribute("aria-busy") === "true") return event.preventDefault(); // one press at a time
    if (card) {
      for (const field of form.elements) if (field.name) field.setCustomValidity(fault(form, field));
      if (!form.reportValidity()) return event.preventDefault();
      kept = new URLSearchParams(new FormData(form));
    }
    if (resend && !kept) return; // the server asks for the card again
    event.preventDefault();
    send(form, resend ? kept : new URLSearchParams(new FormData(form)));
  });

  function within(ms) {
    const patience = new AbortController();
    setTimeout(() => patience.abort(), ms);
    return patience.signal;
  }

  // sending marks a form as under way: it is not sent again meanwhile, and pay.js leaves the page to its
  // answer, unless that is overdue.
  function sending(form, on) {
    for (const element of [form.closest("main"), form]) on ? element.setAttribute("aria-busy", "true") : element.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("button")) button.disabled = on;
    said.textContent = on ? form.querySelector(".sending").textContent : "";
  }

  async function send(form, body) {
    const old = form.closest("main"), lost = form.querySelector("[data-lost]"), pressed = document.activeElement;
    lost.hidden = true;
    sending(form, true);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" }, cache: "no-store", signal: within(80000) }); // the server gives up before
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      if (!old.isConnected) return; // it was overdue, and news came before it
      if (!main || answer.status >= 500) throw new Error("not the invoice's page");
      old.replaceWith(main);
      document.title = fresh.title;
      said.textContent = main.dataset.said || "";
      if (answer.redirected) history.replaceState(null, "", answer.url);
      forget();
      const first = main.querySelector("[aria-invalid], #otp");
      if (first) first.focus();
    } catch {
      // Whether it arrived is not known. What was typed stays; if it did arrive, the next look draws what
      // came of it: the page as it is, and not the one on which another card was wanted.
      if (!old.isConnected) return;
      const here = new URL(location.href);
      for (const about of ["new", "trouble"]) here.searchParams.delete(about);
      history.replaceState(null, "", here);
      sending(form, false);
      lost.hidden = false;
      if (form.contains(pressed)) pressed.focus();
    }
  }

  // forget drops the card once no page asks for another code any more.
  function forget() { if (!document.querySelector("main [data-resend]")) kept = null; }

  document.addEventListener("drawn", forget);
  addEventListener("pagehide", () => {
    kept = null;
    for (const form of document.querySelectorAll("form[data-card]")) form.reset();
  });
})();
