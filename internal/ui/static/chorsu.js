// Copy buttons: a page shows them only where this runs, and works without.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(from.textContent);
    } catch {
      getSelection().selectAllChildren(from); // not allowed here: at least it is marked
      return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = words; }, 2000);
  });
}

// A button that is pressed once. The answer to the first press may show a secret that is shown this
// once; a second press would take it away. All such buttons of a form rest, until the page is back.
document.addEventListener("submit", (event) => {
  if (!event.submitter?.hasAttribute("data-once")) return;
  const buttons = [...event.target.querySelectorAll("button[data-once]")];
  setTimeout(() => { for (const button of buttons) button.disabled = true; }, 0); // the pressed one's value is sent first
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of document.querySelectorAll("button[data-once]")) button.disabled = false;
});
