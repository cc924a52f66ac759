// What a buyer does on the card's own form, in a real Chromium, with and without JavaScript. Started
// by browser_test.go, on a gateway that accepts card data, for a business at PaySys and Payme.
import { check, done, scene, base, api, shoot, axe } from "./browse.mjs";

// The cards of the sandbox whose last digit is right, and its code.
const good = "9860000000000000", poor = "8600000000000007", noSMS = "8600000000000023", code = "253890";
const langs = {
  uz: { paid: "Toʻlandi", wrong: "SMS-kod notoʻgʻri", bad: "Raqamda xato bor", poor: "mablagʻ yetarli emas", quiet: "SMS-xabarnoma yoqilmagan" },
  ru: { paid: "Оплачено", wrong: "Неверный SMS-код", bad: "В номере ошибка", poor: "недостаточно средств", quiet: "не подключено SMS" },
  en: { paid: "Paid", wrong: "The SMS code is wrong", bad: "The number is wrong", poor: "not enough money", quiet: "SMS informing is off" },
};
let orders = 0;

const invoice = (more = {}) => api("POST", "/api/invoices", {
  source: "shop", businessId: "namuna", sourceInvoiceId: `20${400 + ++orders}`, amount: 15_000_000,
  notifyUrl: base + "/sandbox/inbox/shop", returnUrl: base + "/pay/back", ...more,
});

const text = (page) => page.locator("main").innerText();

async function sees(page, want, where = "main") {
  try {
    await page.locator(where).filter({ hasText: want }).first().waitFor({ timeout: 60_000 });
  } catch {
    throw new Error(`${page.url()} does not say ${want}: ${await text(page)}`);
  }
}

async function enter(page, number) {
  await page.locator("#number").pressSequentially(number);
  await page.locator("#expiry").pressSequentially("1228");
  await page.locator("#phone").fill("90 770 21 50");
  await page.locator(".cardform button").first().click();
}

// asked waits until the page asks for the code.
async function asked(page) {
  try {
    await page.locator("#otp").waitFor({ timeout: 60_000 });
  } catch {
    throw new Error(`${page.url()} asks for no code: ${await text(page)}; in the form: ${await page.locator(".cardform input").evaluateAll((all) => all.map((i) => `${i.id}=${i.value.length} ${i.validationMessage}`).join(", "))}`);
  }
}

async function hand(page, otp) {
  await page.locator("#otp").fill(otp);
  await page.locator("form[data-code] button").click();
}

for (const [lang, says] of Object.entries(langs)) {
  for (const script of [true, false]) {
    await check(`by card, ${lang}, ${script ? "with" : "without"} JavaScript`, () => scene({ phone: true, script }, async (page) => {
      const inv = await invoice({ lang });
      await page.goto(inv.checkoutUrl);
      await page.locator('.way[href*="by=card"]').click();
      await page.locator("#number").waitFor();
      if (lang === "uz" && script) await shoot(page, "card-form");
      await enter(page, good);
      await asked(page);
      if (lang === "uz" && script) await shoot(page, "card-code");
      if (page.url().includes(good)) throw new Error("the number stands in the address");
      await hand(page, "000000");
      await sees(page, says.wrong);
      await hand(page, code);
      await sees(page, says.paid, "main .verdict h1");
    }));
  }
  await check(`by card on a desktop, ${lang}`, () => scene({}, async (page) => {
    const inv = await invoice({ lang });
    await page.goto(inv.checkoutUrl);
    await page.locator('.way[href*="by=card"]').click();
    await enter(page, good);
    await asked(page);
    await hand(page, code);
    await sees(page, says.paid, "main .verdict h1");
  }));
  await check(`the bank says no, ${lang}`, () => scene({}, async (page) => {
    const inv = await invoice({ lang });
    await page.goto(inv.checkoutUrl + "?by=card");
    await enter(page, poor);
    await asked(page);
    await hand(page, code);
    await sees(page, says.poor);
    if (await page.locator("#number").inputValue()) throw new Error("the number came back");
    await enter(page, noSMS);
    await sees(page, says.quiet, ".notice");
    await enter(page, good);
    await asked(page);
    await hand(page, code);
    await sees(page, says.paid, "main .verdict h1");
  }));
}

await check("a wrong number does not leave the page", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  let posts = 0;
  page.on("request", (r) => { if (r.method() === "POST") posts++; });
  await enter(page, "8600000000000008");
  const said = await page.locator("#number").evaluate((e) => e.validationMessage);
  if (!said.includes("The number is wrong") || posts) throw new Error(`${said}, ${posts} requests`);
  if (await page.locator("#number").inputValue() !== "8600 0000 0000 0008") throw new Error("the digits are not grouped");
  await page.locator("#number").fill("");
  await page.locator("#number").pressSequentially(good);
  await page.locator("#expiry").fill("10/26"); // a month ago
  await page.locator(".cardform button").first().click();
  const late = await page.locator("#expiry").evaluate((e) => e.validationMessage);
  if (!late.includes("expired") || posts) throw new Error(`${late}, ${posts} requests`);
}));

await check("without JavaScript the server says what is wrong", () => scene({ phone: true, script: false }, async (page) => {
  const inv = await invoice({ lang: "ru" });
  await page.goto(inv.checkoutUrl + "?by=card");
  await enter(page, "8600000000000008");
  await sees(page, langs.ru.bad, ".fault");
  if (await page.locator("#number").inputValue()) throw new Error("the number came back");
}));

await check("another code, without typing the card again", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  await enter(page, good);
  await page.locator("form[data-resend] button").click();
  await sees(page, "A code was just sent", ".notice");
  await api("POST", "/sandbox/control/clock", { advance: "61s" });
  await page.locator("form[data-resend] button:enabled").click();
  await page.locator(".cardform > .notice").waitFor({ state: "detached" });
  await hand(page, code);
  await sees(page, "Paid", "main .verdict h1");
}));

await check("another code, where nobody kept the card", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  await enter(page, good);
  await asked(page);
  await page.reload();
  await page.locator("form[data-resend] button").click();
  await page.locator("#number").waitFor();
  await sees(page, "The card's number is not kept", ".notice");
  await page.goto(inv.checkoutUrl);
  await hand(page, code); // the first one still counts
  await sees(page, "Paid", "main .verdict h1");
}));

// fault sets what goes wrong next at PaySys.
const fault = (step, delay) => api("POST", "/sandbox/control/providers/paysys/faults", { step, kind: "late", times: 1, delay });

// looks waits for news of the invoice to be told so many times.
const looks = (page, times) => page.evaluate((times) => new Promise((resolve, reject) => {
  const source = new EventSource(document.querySelector("main").dataset.watch + "/events");
  source.onmessage = () => { if (--times < 0) { source.close(); resolve(); } };
  setTimeout(() => { source.close(); reject(new Error("no news is told")); }, 60_000);
}), times);

const typed = async (page, what, want) => {
  const got = await page.locator(what).inputValue();
  if (got.replaceAll(" ", "") !== want) throw new Error(`in ${what} stands ${got.length} characters of ${want.length}`);
  if (!await page.locator(what).evaluate((field) => field === document.activeElement)) throw new Error(`${what} is not where somebody types any more`);
};

await check("what is typed into the next form stays", () => scene({}, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  const free = []; // pages that were fetched for news come late, when the next card is being typed
  await page.route((url) => url.pathname === new URL(inv.checkoutUrl).pathname, async (route) => {
    if (route.request().resourceType() !== "fetch" || route.request().method() !== "GET") return route.continue();
    const answer = await route.fetch();
    await new Promise((go) => free.push(go));
    await route.fulfill({ response: answer });
  });
  await fault("pam.prepare_payment", "12s"); // long enough for looks to find its answer overdue
  await enter(page, noSMS);
  await page.locator("form[data-card][aria-busy] .sending").waitFor();
  await shoot(page, "card-sending", [1440]);
  await sees(page, langs.en.quiet, ".notice");
  await page.locator("#number").pressSequentially(good);
  if (!free.length) throw new Error("no news came while the form was under way");
  for (const go of free.splice(0)) go();
  await looks(page, 2);
  await typed(page, "#number", good);
}));

await check("what is typed stays when the code for another card runs out", () => scene({ phone: true }, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  await enter(page, good);
  await asked(page);
  await page.locator('a[href*="new=1"]').click();
  await page.locator("#number").pressSequentially(good.slice(0, 10));
  const was = await page.locator("main").getAttribute("data-state");
  await api("POST", "/sandbox/control/clock", { advance: "3m" });
  await page.locator(`main:not([data-state="${was}"])`).waitFor();
  await typed(page, "#number", good.slice(0, 10));
  await page.locator("#number").pressSequentially(good.slice(10));
  await typed(page, "#number", good);
}));

await check("a page that was opened while the bank checks shows the code's field again", () => scene({}, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  await enter(page, good);
  await asked(page);
  const other = await page.context().newPage();
  await fault("pam.confirm_payment", "12s");
  await hand(page, "000000");
  await page.locator("form[data-code][aria-busy]").waitFor();
  await other.goto(inv.checkoutUrl);
  await sees(other, "The bank is checking", ".waits");
  await looks(page, 5); // the answer is overdue, and nothing is decided
  if (!await page.locator("form[data-code]").isVisible()) throw new Error(`the form under way was replaced: ${await text(page)}`);
  await asked(other);
  await hand(other, code); // its checks came with it
  await sees(other, "Paid", "main .verdict h1");
  await sees(page, "Paid", "main .verdict h1");
}));

for (const [how, lose] of [["is lost", (route) => route.abort("internetdisconnected")], ["never comes", () => {}]]) {
  await check(`a code's field comes though the answer that brings it ${how}`, () => scene({ phone: true }, async (page) => {
    const inv = await invoice({ lang: "en" });
    await page.goto(inv.checkoutUrl + "?by=card");
    await enter(page, good);
    await asked(page);
    await page.locator('a[href*="new=1"]').click();
    await page.route("**/card?*", async (route) => { // it arrives
      await route.fetch({ maxRedirects: 0 });
      lose(route);
    });
    await enter(page, poor);
    await asked(page);
    await hand(page, code);
    await sees(page, langs.en.poor); // the second card's word
  }));
}

await check("who hears that it is paid waits for no answer", () => scene({}, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  await enter(page, good);
  await asked(page);
  let go;
  const freed = new Promise((resolve) => { go = resolve; });
  await page.route("**/code?*", async (route) => { // the bank has it, and its answer is long on the way
    const answer = await route.fetch();
    await freed;
    await route.fulfill({ response: answer });
  });
  await hand(page, code);
  await sees(page, "Paid", "main .verdict h1");
  go();
  await looks(page, 2);
  await sees(page, "Paid", "main .verdict h1");
}));

await check("no answer to the card's form loses nothing that was typed", () => scene({}, async (page) => {
  const inv = await invoice({ lang: "en" });
  await page.goto(inv.checkoutUrl + "?by=card");
  for (const fail of [(route) => route.abort("internetdisconnected"), (route) => route.fulfill({ status: 503, contentType: "text/html", body: "<main>Oops</main>" })]) {
    await page.route("**/card?*", fail, { times: 1 });
    if (await page.locator("#number").inputValue()) await page.locator(".cardform button").first().click();
    else await enter(page, good);
    await page.locator("form[data-card]:not([aria-busy]) [data-lost]:not([hidden])").filter({ hasText: "No answer came" }).waitFor();
    if ((await page.locator("#number").inputValue()).replaceAll(" ", "") !== good) throw new Error("the number is gone");
  }
  await axe(page, "card-lost");
  await shoot(page, "card-lost");
  await page.locator(".cardform button").first().click();
  await asked(page);
  if (page.url().includes(good)) throw new Error("the number stands in the address");
}));

await check("the card's pages pass axe and do not scroll sideways", async () => {
  for (const phone of [true, false]) {
    await scene({ phone }, async (page) => {
      const inv = await invoice({ lang: "uz" });
      const name = (what) => `card-${what}${phone ? "-phone" : ""}`;
      await page.goto(inv.checkoutUrl);
      await axe(page, name("choose"));
      await shoot(page, name("choose"));
      await page.goto(inv.checkoutUrl + "?by=card");
      await axe(page, name("form"));
      await shoot(page, name("form"));
      await enter(page, good);
      await asked(page);
      await axe(page, name("code"));
      await shoot(page, name("code"));
      await hand(page, "000000");
      await page.locator(".cardform > .notice").waitFor();
      await axe(page, name("wrong"));
      await shoot(page, name("wrong"));
    });
  }
});

await done();
