// The card's own form: its number and expiry are checked before they leave the page, and a second
// code can be asked for without typing the card again. What was typed is kept in this page's memory
// and nowhere else, and is gone with it. Without this the server says what is wrong.
"use strict";
(() => {
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
    if (form.dataset.busy) return event.preventDefault();
    if (card) {
      for (const field of form.elements) if (field.name) field.setCustomValidity(fault(form, field));
      if (!form.reportValidity()) return event.preventDefault();
      kept = new URLSearchParams(new FormData(form));
    }
    if (resend && !kept) return; // the server asks for the card again
    event.preventDefault();
    send(form, resend ? kept : new URLSearchParams(new FormData(form)));
  });

  async function send(form, body) {
    form.dataset.busy = "1";
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" }, cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      if (!main) throw new Error("not a page of ours");
      document.querySelector("main").replaceWith(main);
      document.title = fresh.title;
      document.getElementById("said").textContent = main.dataset.said || "";
      if (answer.redirected) history.replaceState(null, "", answer.url);
      if (!main.querySelector("[data-resend]")) kept = null;
      const first = main.querySelector("[aria-invalid], #otp");
      if (first) first.focus();
    } catch {
      location.reload(); // whatever came of it, the page tells
    }
  }

  addEventListener("pagehide", () => { kept = null; });
})();
