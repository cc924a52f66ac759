// Every end that an invoice can come to, as the buyer's page tells it, in each language. What it
// must say comes from the program's own words (WORDS). Started by browser_test.go, with a program
// of its own, since the clock is moved.
import { check, done, scene, base, api, act, shoot, axe } from "./browse.mjs";

const words = JSON.parse(process.env.WORDS);
let orders = 0;

const invoice = (more) => api("POST", "/api/invoices", {
  source: "shop", businessId: "namuna", sourceInvoiceId: `scene-${++orders}`, amount: 15_000_000,
  notifyUrl: base + "/sandbox/inbox/shop", returnUrl: base + "/pay/back", ...more,
});

const card = await api("POST", "/api/cards", { source: "shop", businessId: "namuna", provider: "paysys", number: "8601312960622192", expiry: "2912", phone: "998907702150" });
await api("POST", `/api/cards/${card.id}/confirm`, { otp: "253890" });
const charge = (inv) => api("POST", `/api/invoices/${inv.id}/pay`, { method: "card_token", cardId: card.id });

const fault = (step, kind) => api("POST", "/sandbox/control/providers/paysys/faults", { step, kind, times: 1 });

async function paidByClick() {
  const inv = await invoice({ provider: "click" });
  await act("click", "pay", { link: inv.checkoutUrl });
  return inv;
}

// How each end comes about. The name is the scene's, and that of its words.
const ends = {
  paid: paidByClick,
  async refunded() {
    const inv = await paidByClick();
    const back = await api("POST", "/api/refunds", { invoiceId: inv.id });
    if (back.status !== "succeeded") throw new Error(`the refund is ${back.status}`);
    return inv;
  },
  async cancelled() {
    const inv = await invoice();
    await api("POST", `/api/invoices/${inv.id}/cancel`, {});
    return inv;
  },
  async failed() {
    const inv = await invoice({ provider: "multicard", ofd: [{ qty: 1, price: 15_000_000, total: 15_000_000, mxik: "06401004002000000", package_code: "1506113", name: "Palov", vat: 12 }] });
    await act("multicard", "switch", { params: { webhooks: "on" } }); // it tells nobody of a refusal otherwise
    await act("multicard", "refuse", { link: inv.checkoutUrl });
    await act("multicard", "switch", { params: { webhooks: "off" } });
    return inv;
  },
  async held() {
    const inv = await invoice({ provider: "paysys", capture: "manual" });
    await charge(inv);
    return inv;
  },
  async released() {
    const inv = await ends.held();
    await api("POST", `/api/invoices/${inv.id}/cancel`, {});
    return inv;
  },
  async unknown() {
    const inv = await invoice({ provider: "paysys" });
    await fault("pam.payment", "lost_after");
    await charge(inv);
    return inv;
  },
};

async function tells(page, inv, name, lang) {
  await page.goto(`${base}/pay/${inv.id}?lang=${lang}`);
  const text = (await page.locator("main").innerText()).replaceAll("\u00a0", " ");
  for (const want of words[name]) {
    if (!text.includes(want[lang])) throw new Error(`${lang}: the page lacks “${want[lang]}”: ${text}`);
  }
  if (await page.locator("main .way, main form").count()) throw new Error("it offers to pay");
  if (/\bpaysys\b/.test(text)) throw new Error("it calls a company by our own word for it");
  const bar = await page.locator(".testbar").innerText();
  if (bar !== words.bar[0][lang]) throw new Error(`the bar says ${bar}`);
}

const made = {};
for (const [name, make] of Object.entries(ends)) {
  await check(`${name}, in each language`, () => scene({ phone: true }, async (page) => {
    made[name] = await make();
    for (const lang of ["uz", "ru", "en"]) await tells(page, made[name], name, lang);
  }));
}

await check("a page that waits hears of each end by itself", () => scene({}, async (page) => {
  const inv = await invoice();
  await page.goto(`${base}/pay/${inv.id}?lang=en`);
  await page.locator(".ways").waitFor();
  await api("POST", `/api/invoices/${inv.id}/cancel`, {});
  await page.locator(".verdict.cancelled").waitFor();
  if (!(await page.locator("#said").innerText()).includes(words.cancelled[0].en)) throw new Error("a screen reader hears nothing");
}));

const late = await invoice({ lang: "uz" });
await api("POST", "/sandbox/control/clock", { advance: "15m" });
await check("already paid: do not pay it again, in each language", () => scene({ phone: true }, async (page) => {
  for (const lang of ["uz", "ru", "en"]) await tells(page, made.paid, "already", lang);
  made.already = made.paid;
}));

await api("POST", "/sandbox/control/clock", { advance: "24h" });
await check("expired, in each language", () => scene({ phone: true }, async (page) => {
  for (const lang of ["uz", "ru", "en"]) await tells(page, late, "expired", lang);
  made.expired = late;
}));

await check("no end scrolls sideways, every one passes axe", async () => {
  for (const phone of [true, false]) {
    await scene({ phone }, async (page) => {
      for (const [name, inv] of Object.entries(made)) {
        await page.goto(`${base}/pay/${inv.id}?lang=uz`);
        await axe(page, name);
        await shoot(page, `end-${name}${phone ? "-phone" : ""}`);
      }
    });
  }
});

await done();
