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
    await page.locator(where).filter({ hasText: want }).first().waitFor({ timeout: 20_000 });
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
    await page.locator("#otp").waitFor({ timeout: 20_000 });
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
  await page.locator(".notice").waitFor({ state: "detached" });
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
      await page.locator(".notice").waitFor();
      await axe(page, name("wrong"));
      await shoot(page, name("wrong"));
    });
  }
});

await done();
