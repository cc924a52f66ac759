// The cashier's page of the till, worked by keyboard alone. Started by browser_test.go.
import { check, done, scene, base, shoot, axe } from "./browse.mjs";

const box = process.env.BOX_URL;

async function act(company, body) {
  const answer = await fetch(`${box}/control/providers/${company}/act`, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

// A till's page over the shop's network is no secure context: what browsers keep for those is not
// there.
async function overTheNetwork(page) {
  await page.addInitScript(() => {
    delete Crypto.prototype.randomUUID;
    delete Crypto.prototype.subtle;
    delete Navigator.prototype.clipboard;
  });
}

async function open(page, lang) {
  await overTheNetwork(page);
  await page.goto(`${base}/?lang=${lang}`);
  await page.locator("#clock:not(:empty)").waitFor();
  await page.keyboard.type("150000"); // the sum has the focus
}

const says = (page, text) => page.locator("#said", { hasText: text }).waitFor();

await check("a card is taken at the pinpad", () => scene({}, async (page) => {
  await open(page, "uz");
  await page.keyboard.press("F2");
  await says(page, "Toʻlandi · 150 000 soʻm");
  await page.locator("#slip", { hasText: "ОДОБРЕНО" }).waitFor();
  await page.locator("#last tr", { hasText: "xumo" }).first().waitFor();
  if (await page.locator("#sum").inputValue() !== "") throw new Error("the sum stands there still");
  await axe(page, "till-paid");
  await shoot(page, "till-paid");
}));

await check("a wallet is scanned", () => scene({}, async (page) => {
  await open(page, "ru");
  await page.keyboard.press("Enter");
  await page.keyboard.type("880101698207133391");
  await page.keyboard.press("Enter"); // as a scanner does
  await says(page, "Оплачено");
  await page.locator("#slip", { hasText: "Click Pass" }).waitFor();
}));

await check("a refusal says that no money was taken", () => scene({}, async (page) => {
  await open(page, "ru");
  await page.keyboard.press("Enter");
  await page.keyboard.type("880101698207133399");
  await page.keyboard.press("Enter");
  await says(page, "Деньги не списаны");
  await shoot(page, "till-declined");
}));

await check("a lost answer is not known until it is asked for", () => scene({}, async (page) => {
  await page.goto(`${base}/?lang=uz`);
  await page.locator("#clock:not(:empty)").waitFor();
  await page.keyboard.type("500,98");
  await page.keyboard.press("F2");
  await says(page, "NATIJA NOMAʼLUM");
  await page.locator("#unknown", { hasText: "Naqd olmang" }).waitFor();
  await axe(page, "till-unknown");
  await shoot(page, "till-unknown");
  await page.keyboard.press("Escape");
  await page.keyboard.type("100");
  await page.keyboard.press("F2"); // the pinpad is locked
  await page.locator("#note", { hasText: "unresolved" }).waitFor();
  for (;;) { // the link comes back after a second
    await page.keyboard.press("F5");
    try { await page.locator("#unknown").waitFor({ state: "hidden", timeout: 1500 }); break; } catch { /* once more */ }
  }
}));

await check("a QR is shown until the buyer has paid", () => scene({}, async (page) => {
  await open(page, "uz");
  await page.keyboard.press("F4");
  await page.locator("#qr svg").waitFor();
  await shoot(page, "till-qr");
  const text = await page.locator("#qr svg").getAttribute("aria-label");
  await act("fbox", { kind: "pay", link: text });
  await says(page, "Toʻlandi");
}));

await check("a code that is scanned again is the payment that it was", () => scene({}, async (page) => {
  const again = async () => {
    await open(page, "ru");
    await page.keyboard.press("Enter");
    await page.keyboard.type("880101698207133396"); // it is paid, and the answer is lost
    await page.keyboard.press("Enter");
  };
  await again();
  await says(page, "НЕИЗВЕСТЕН");
  for (;;) {
    await page.keyboard.press("F5");
    try { await page.locator("#unknown").waitFor({ state: "hidden", timeout: 1500 }); break; } catch { /* once more */ }
  }
  await again();
  await says(page, "Оплачено");
}));

await check("Escape leaves a QR that nobody pays", () => scene({}, async (page) => {
  await open(page, "ru");
  await page.keyboard.press("F4");
  await page.locator("#qr svg").waitFor();
  await page.keyboard.press("Escape");
  await says(page, "Деньги не списаны"); // the box has cancelled it
  await page.keyboard.press("F6");
  await page.locator("#qr svg").waitFor();
  await page.keyboard.press("Escape");
  await says(page, "ещё могут оплатить");
}));

await check("Escape asks the pinpad to stop", () => scene({}, async (page) => {
  await open(page, "ru");
  await page.keyboard.press("F3"); // the buyer looks for the card, a minute long
  await page.locator("#note", { hasText: "card" }).waitFor();
  await page.keyboard.press("Escape");
  await says(page, "Деньги не списаны");
  await page.locator("#note", { hasText: "992" }).waitFor();
}));

await check("the shift ends with the pinpads' totals beside ours", () => scene({}, async (page) => {
  await page.goto(`${base}/?lang=ru`);
  await page.locator("#last tr").first().waitFor();
  await page.keyboard.press("F10");
  await page.locator("#report pre").nth(1).waitFor();
  const text = await page.locator("#report").innerText();
  for (const part of ["Итоги совпали", "По нашему журналу, HUMO", "По нашему журналу, UzCard", "Итоги сходятся."]) {
    if (!text.includes(part)) throw new Error(`${part}: ${text}`);
  }
  await axe(page, "till-shift");
  await shoot(page, "till-shift");
}));

await check("nothing is sent without a sum", () => scene({}, async (page) => {
  await page.goto(`${base}/?lang=uz`);
  await page.locator("#clock:not(:empty)").waitFor();
  for (const bad of ["", "0", "abc", "1,234", "-5"]) {
    await page.locator("#sum").fill(bad);
    await page.keyboard.press("F2");
    await says(page, "Avval summani");
    await page.keyboard.press("Escape");
  }
}));

await check("it is readable in the dark and on a small screen", async () => {
  for (const phone of [false, true]) {
    await scene({ phone }, async (page) => {
      await page.goto(`${base}/?lang=ru`);
      await page.locator("#last tr").first().waitFor();
      await axe(page, "till");
      await shoot(page, `till${phone ? "-phone" : ""}`);
    });
  }
});

await done();
