// What a buyer does on the hosted page, in a real Chromium against the whole program in test
// mode. Started by browser_test.go; each check is one line of JSON on standard output.
import { browse, check, done, scene, base, api, act, shoot, axe } from "./browse.mjs";

const langs = {
  uz: { paid: "Toʻlandi", waiting: "Toʻlovni kutyapmiz", currency: "soʻm" },
  ru: { paid: "Оплачено", waiting: "Ждём оплату", currency: "сум" },
  en: { paid: "Paid", waiting: "Waiting for your payment", currency: "soum" },
};
let orders = 0;

const invoice = (more = {}) => api("POST", "/api/invoices", {
  source: "shop", businessId: "namuna", sourceInvoiceId: `10${400 + ++orders}`, amount: 15_000_000,
  notifyUrl: base + "/sandbox/inbox/shop", returnUrl: base + "/pay/back",
  ofd: [
    { qty: 2, price: 4_500_000, total: 9_000_000, mxik: "06401004002000000", package_code: "1506113", name: "Toʻy oshi", vat: 12 },
    { qty: 1, price: 6_000_000, total: 6_000_000, mxik: "06401004002000000", package_code: "1506113", name: "Koʻk choy, choynak", vat: 12 },
  ],
  ...more,
});

// pays presses the button on the company's own (simulated) page.
async function pays(page) {
  await page.waitForURL(/\/sandbox\//);
  await Promise.all([ // the company answers when all its calls are done
    page.waitForNavigation(),
    // Not with the mouse: after a uzum: address Chromium asks whether to open an app that is not
    // here, and that question holds the mouse.
    page.locator("button[name=do][value=pay]").dispatchEvent("click"),
  ]).catch(async (e) => { throw new Error(`${e.message} at ${page.url()}: ${await page.locator("body").innerText()}`); });
}

const heading = (page) => page.locator("main .verdict h1, main .verdict h2").first();

async function paid(page, want) {
  try {
    await heading(page).filter({ hasText: want }).waitFor({ timeout: 60_000 });
  } catch {
    throw new Error(`${page.url()} does not come to say ${want}: ${await page.locator("body").innerText()}`);
  }
}

for (const provider of ["payme", "click", "uzum", "multicard"]) {
  for (const [lang, says] of Object.entries(langs)) {
    await check(`${provider}, by phone, ${lang}`, () => scene({ phone: true }, async (page) => {
      const inv = await invoice({ lang });
      await page.goto(inv.checkoutUrl);
      const sum = await page.locator("main .sum").innerText();
      if (sum !== `150\u00a0000\u00a0${says.currency}`) throw new Error(`the sum reads ${sum}`);
      await page.locator(`.way[data-way=${provider}], .way[value=${provider}]`).click(); // one tap
      await pays(page);
      await page.goto(inv.checkoutUrl); // the buyer comes back
      await paid(page, says.paid);
      const back = await page.locator("main a.button").last().getAttribute("href");
      if (back !== base + "/pay/back") throw new Error(`the way back leads to ${back}`);
      if (lang === "uz" && provider === "payme") await shoot(page, "paid");
    }));
    await check(`${provider}, by desktop and the phone beside it, ${lang}`, () => scene({}, async (page) => {
      const inv = await invoice();
      await page.goto(inv.checkoutUrl + "?lang=" + lang);
      await page.locator(`.way[href*="by=${provider}"]`).click();
      await page.locator(`.way[aria-current]`).waitFor();
      const phone = await page.context().newPage();
      if (provider === "multicard") { // no QR: its page is made when it is asked for
        await phone.goto(page.url());
        await phone.locator("main form button").click();
      } else {
        await page.locator("svg.qr").waitFor();
        await phone.goto(await page.locator(".panel a.button").getAttribute("href"));
      }
      await pays(phone);
      await paid(page, says.paid); // by itself: nobody reloads it
      const told = await page.locator("#said").innerText();
      if (!told.includes(says.paid)) throw new Error(`a screen reader hears ${told}`);
    }));
  }
}

await check("without JavaScript", () => scene({ phone: true, script: false }, async (page) => {
  for (const provider of ["payme", "multicard"]) {
    const inv = await invoice({ lang: "uz" });
    await page.goto(inv.checkoutUrl);
    await page.locator(`.way[data-way=${provider}], .way[value=${provider}]`).click();
    await pays(page);
    await page.goto(inv.checkoutUrl);
    await paid(page, langs.uz.paid);
  }
  const inv = await invoice({ lang: "uz" });
  await page.goto(inv.checkoutUrl);
  const act1 = await act("payme", "abandon", { link: await page.locator("[data-way=payme]").getAttribute("href") });
  await page.goto(inv.checkoutUrl);
  await paid(page, langs.uz.waiting);
  await act("payme", "finish", { ref: act1.ref });
  await paid(page, langs.uz.paid); // the page refreshes itself as plain HTML
}));

await check("waiting survives a reload, and offers no second way", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "uz" });
  await page.goto(inv.checkoutUrl);
  const begun = await act("payme", "abandon", { link: await page.locator("[data-way=payme]").getAttribute("href") });
  await paid(page, langs.uz.waiting);
  for (const again of [() => page.reload(), () => page.goto(inv.checkoutUrl + "?by=click")]) {
    await again();
    await paid(page, langs.uz.waiting);
    if (await page.locator(".way").count()) throw new Error("another way is offered while one is open");
  }
  await shoot(page, "waiting");
  await act("payme", "finish", { ref: begun.ref });
  await paid(page, langs.uz.paid);
}));

await check("who comes back from the app finds the way and not the choice", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl);
  await page.locator(".way[data-way=click]").click();
  await page.waitForURL(/\/sandbox\//);
  await page.goBack();
  await page.locator(".panel a[data-way=click]").waitFor();
  await page.reload();
  await page.locator(".panel a[data-way=click]").waitFor();
  if (await page.locator(".ways [data-way=payme]").count() !== 1) throw new Error("nothing has begun, and no other way is offered");
  const next = await invoice({ lang: "en" });
  await page.goto(next.checkoutUrl);
  if (!(await page.locator(".ways li").first().innerText()).includes("last time")) throw new Error("the last way is not first");
}));

await check("a refusal says that no money was taken", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl);
  await act("payme", "refuse", { link: await page.locator("[data-way=payme]").getAttribute("href") });
  await page.locator(".notice.failed").filter({ hasText: "No money was taken" }).waitFor();
  if (!(await page.locator(".ways .way").count())) throw new Error("no way is left");
  await shoot(page, "refused");
}));

await check("the first view is under 60 kB", () => scene({ phone: true }, async (page, session) => {
  for (const lang of Object.keys(langs)) {
    let bytes = 0;
    const count = ({ encodedDataLength }) => { bytes += encodedDataLength; };
    session.on("Network.loadingFinished", count);
    await session.send("Network.clearBrowserCache");
    const inv = await invoice({ lang });
    await page.goto(inv.checkoutUrl);
    await page.evaluate(() => document.fonts.ready.then(() => true));
    session.off("Network.loadingFinished", count);
    if (bytes < 15_000 || bytes > 60_000) throw new Error(`${lang}: ${bytes} bytes`);
    console.log(JSON.stringify({ note: `first view, ${lang}: ${bytes} bytes` }));
  }
  const drawn = await page.evaluate(() => document.fonts.load("16px Onest", "oʻgʻ 150\u00a0000 Оплата").then((f) => f.length));
  if (drawn !== 2) throw new Error("the font does not draw ʻ or Cyrillic");
}));

await check("no page scrolls sideways, every page passes axe", async () => {
  const open = await invoice({ lang: "uz", sourceInvoiceId: "buyurtma-2026-11-21/0000010452" });
  const ended = await invoice({ lang: "ru" });
  await api("POST", `/api/invoices/${ended.id}/cancel`, {});
  const pages = {
    choose: open.checkoutUrl + "?lang=uz", "choose-ru": open.checkoutUrl + "?lang=ru", panel: open.checkoutUrl + "?by=click&lang=en",
    cancelled: ended.checkoutUrl, nothing: base + "/pay/nothing?lang=uz",
  };
  for (const phone of [true, false]) {
    await scene({ phone }, async (page) => {
      for (const [name, url] of Object.entries(pages)) {
        await page.goto(url);
        await axe(page, name);
        await shoot(page, `${name}${phone ? "-phone" : ""}`);
      }
    });
  }
});

await done();
