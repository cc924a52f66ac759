// What staff do about payments: the inbox, what is stuck, an invoice, refunds. The sessions of
// four people come from browser_test.go, which also made what they find here.
import { check, done, scene, base, api, act, shoot, axe } from "./browse.mjs";
import { code, scanned } from "./totp.mjs";

const people = Object.fromEntries(["VIEWER", "SUPPORT", "REFUNDS", "SECOND", "BRIEF"].map((name) => [name.toLowerCase(), process.env["SESSION_" + name]]));

// as is a scene in which somebody is signed in, in English.
const as = (who, options, run) => scene(options, async (page) => {
  await page.context().addCookies([
    { name: "chorsu_staff", value: people[who], url: base, httpOnly: true, sameSite: "Strict" },
    { name: "chorsu_lang", value: options.lang ?? "en", url: base + "/admin", sameSite: "Strict" },
  ]);
  await run(page);
});

let orders = 0;
// paid is an invoice that the sandbox's buyer has paid with Click.
async function paid(soum = 150_000) {
  const inv = await api("POST", "/api/invoices", {
    source: "shop", businessId: "namuna", provider: "click", sourceInvoiceId: `back-${++orders}`, amount: soum * 100, notifyUrl: base + "/sandbox/inbox/shop",
  });
  await act("click", "pay", { link: inv.checkoutUrl });
  return inv;
}

const says = async (page, text) => {
  try {
    await page.locator("main").filter({ hasText: text }).waitFor({ timeout: 60_000 });
  } catch {
    throw new Error(`${page.url()} does not say ${text}: ${await page.locator("main").innerText()}`);
  }
};

const refunds = async (inv) => (await api("GET", `/api/refunds/by-invoice/${inv.id}`)).items;

await check("somebody's first day: they enrol, find what is stuck, send it again, and return money", () => scene({}, async (page) => {
  const inv = await paid(99_000);
  await page.goto(process.env.ENROL_STORY + "?lang=en");
  const secret = await scanned(page);
  await page.locator("#password").fill("choyxona oldidagi chinor");
  await page.locator("#code").fill(code(secret, Math.floor(Date.now() / 30_000)));
  await page.locator("form .actions button").click();
  await page.locator("#codes").waitFor();
  await page.locator("main a.button").click();
  await says(page, "Events not delivered");
  await page.locator(".heap", { hasText: "Events not delivered" }).locator(".heaprows a").first().click();
  await says(page, "knows no such address (404)");
  await page.locator("tr", { hasText: "stuck-2" }).getByRole("button", { name: "Send again" }).click();
  await says(page, /being sent again/);
  await axe(page, "stuck, sent again");
  await page.locator("#find").fill(inv.payNumber);
  await page.locator("#find").press("Enter");
  await page.getByRole("link", { name: "back-" + orders }).click();
  await says(page, "Paid through Click");
  await page.getByRole("link", { name: "Refund…" }).click();
  await page.locator("#why").fill("It was the wrong colour");
  await page.getByRole("button", { name: "Continue" }).click();
  await says(page, "the money goes back at once");
  await axe(page, "refund, second page");
  await page.locator("button.danger").click();
  await says(page, "99 000 soum was returned.");
  if ((await refunds(inv)).length !== 1) throw new Error("it was not returned once");
  const log = await page.request.get(base + "/admin/audit.csv");
  if (log.status() !== 403) throw new Error(`they read the log: ${log.status()}`);
}));

await check("a stuck delivery is found in the inbox, and sent again", () => as("support", {}, async (page) => {
  await page.goto(base + "/admin/");
  await says(page, "Events not delivered");
  await shoot(page, "desk-inbox");
  await page.locator(".heap", { hasText: "Events not delivered" }).locator("a.button").click();
  await says(page, "knows no such address (404)");
  await shoot(page, "desk-stuck");
  const row = page.locator("tr", { hasText: "stuck-0" });
  await row.getByRole("button", { name: "Send again" }).click();
  await says(page, "Events being sent again: 1");
  await page.locator("input[name=event]").first().check();
  await page.getByRole("button", { name: "Send the selected again" }).click();
  await says(page, "Events being sent again: 1");
}));

await check("what was pasted is understood, and found", () => as("viewer", {}, async (page) => {
  const inv = await paid(123_457);
  await page.goto(base + "/admin/");
  await page.keyboard.press("/");
  await page.keyboard.type("123 457 so'm");
  await page.keyboard.press("Enter");
  await says(page, "amount 123");
  await page.getByRole("link", { name: "back-" + orders }).click();
  await says(page, "Paid through Click");
  await page.locator("#find").fill("8600 0691 9540 6311");
  await page.keyboard.press("Enter");
  await says(page, "card ending in 6311");
  if (page.url().includes("9540")) throw new Error("the card’s number stands in the address");
  await page.locator("#find").fill("Salom! " + inv.id + " nega oʻtmadi?");
  await page.keyboard.press("Enter");
  await says(page, "our id");
  await shoot(page, "desk-search");
}));

await check("money is returned once, with a reason and a second look", () => as("refunds", {}, async (page) => {
  const inv = await paid();
  await page.goto(`${base}/admin/invoices/${inv.id}`);
  await page.getByRole("link", { name: "Refund…" }).click();
  await page.locator("#why").fill("The parcel came broken");
  await page.getByRole("button", { name: "Continue" }).click();
  await says(page, "the money goes back at once");
  await shoot(page, "desk-refund");
  await page.locator("button.danger").dblclick();
  await says(page, "150 000 soum was returned.");
  if ((await refunds(inv)).length !== 1) throw new Error("it was returned more than once");
  await shoot(page, "desk-refunded");
}));

await check("above the limit a second person confirms", async () => {
  const inv = await paid(400_000);
  await as("refunds", {}, async (page) => {
    await page.goto(`${base}/admin/invoices/${inv.id}/refund`);
    await says(page, "above it a second person confirms");
    await page.locator("#why").fill("The order was cancelled");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.locator("button[data-once]").click();
    await says(page, "another person confirms");
    if (await page.getByRole("button", { name: "Confirm: return" }).count()) throw new Error("whoever asks may confirm");
    if ((await refunds(inv)).length) throw new Error("the money moved already");
  });
  await as("second", {}, async (page) => {
    await page.goto(base + "/admin/");
    await page.locator(".heap", { hasText: "second person" }).locator(".heaprows a").first().click();
    await axe(page, "approval");
    await shoot(page, "desk-second");
    await page.getByRole("button", { name: "Confirm: return" }).click();
    await says(page, "400 000 soum was returned.");
  });
  if ((await refunds(inv)).length !== 1) throw new Error("it was not returned once");
});

await check("a viewer is neither offered nor allowed what others may", () => as("viewer", {}, async (page) => {
  const inv = await paid();
  await page.goto(`${base}/admin/invoices/${inv.id}`);
  await says(page, "Paid through Click");
  if (await page.locator("main form, main a[href$=refund]").count()) throw new Error("a button is there");
  await page.goto(`${base}/admin/invoices/${inv.id}/refund`);
  await says(page, "Your role does not open this");
}));

await check("a page shows what happens without being loaded again", () => as("viewer", {}, async (page) => {
  const inv = await api("POST", "/api/invoices", {
    source: "shop", businessId: "namuna", provider: "click", sourceInvoiceId: "live", amount: 1_000_000, notifyUrl: base + "/sandbox/inbox/shop",
  });
  await page.goto(`${base}/admin/invoices/${inv.id}`);
  await says(page, "Waiting for");
  await act("click", "pay", { link: inv.checkoutUrl });
  await says(page, "Paid through Click");
  await says(page, "answered 200");
}));

await check("what is drawn anew leaves the keyboard where it was, and leaves a browser that is signed out", () => as("brief", {}, async (page) => {
  const made = (order) => api("POST", "/api/invoices", { source: "shop", businessId: "namuna", provider: "click", sourceInvoiceId: order, amount: 1_000_000, notifyUrl: base + "/sandbox/inbox/shop" });
  await made("anew-1");
  await page.goto(base + "/admin/invoices");
  await page.keyboard.press("j");
  const at = () => page.evaluate(() => document.activeElement.getAttribute("href"));
  const before = await at();
  if (!before?.startsWith("/admin/invoices/")) throw new Error(`j leads to ${before}`);
  await made("anew-2");
  await says(page, "anew-2");
  if (await at() !== before) throw new Error(`the keyboard is at ${await at()}, not ${before}`);
  await page.locator("select[name=state]").selectOption("paid"); // outside of what is drawn
  await page.request.post(base + "/admin/logout", { headers: { Origin: base }, maxRedirects: 0 });
  await made("anew-3");
  await page.waitForURL(/\/admin\/login\?next=/);
}));

await check("without a script everything can be done", () => as("refunds", { script: false }, async (page) => {
  const inv = await paid();
  await page.goto(`${base}/admin/invoices/${inv.id}`);
  await page.getByRole("link", { name: "Refund…" }).click();
  await page.locator("#why").fill("Twice in the basket");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("button.danger").click();
  await says(page, "150 000 soum was returned.");
  await page.locator("#find").fill(inv.payNumber);
  await page.locator("#find").press("Enter");
  await says(page, "pay number");
  await page.goto(base + "/admin/invoices?order=largest");
  await says(page, "back-1");
}));

await check("each page passes axe, by desktop and by phone", async () => {
  const inv = await paid();
  for (const phone of [true, false]) {
    await as("refunds", { phone }, async (page) => {
      for (const [name, path, lang] of [
        ["inbox", "/", "uz"], ["invoices", "/invoices", "ru"], ["invoice", "/invoices/" + inv.id, "uz"], ["stuck", "/stuck", "ru"],
        ["deliveries", "/deliveries", "en"], ["refunds", "/refunds", "en"], ["search", "/search?q=150+000", "uz"], ["refund", `/invoices/${inv.id}/refund`, "ru"],
        ["payout", "/payouts/" + process.env.PAYOUT, "uz"], ["day", "/reconciliations/" + process.env.DAY, "ru"], ["payouts", "/payouts", "en"], ["days", "/reconciliations", "uz"],
      ]) {
        await page.goto(base + "/admin" + path + (path.includes("?") ? "&" : "?") + "lang=" + lang);
        await axe(page, `${name} in ${lang}`);
        await shoot(page, `desk-all-${name}${phone ? "-phone" : ""}`);
      }
    });
  }
});

await check("what is about no invoice is found in the inbox, and seen to", () => as("refunds", {}, async (page) => {
  await page.goto(base + "/admin/");
  await page.getByRole("link", { name: /salary-7/ }).first().click();
  await page.locator("#decide-why").fill("The cabinet shows it");
  await page.getByRole("button", { name: "The money arrived" }).click();
  await says(page, "The decision was written down.");
  await page.goto(base + "/admin/");
  await page.getByRole("link", { name: /20 Jan 2026/ }).first().click();
  for (let left = 2; left > 0; left--) {
    await page.locator("textarea").first().fill("Refunded at the company");
    await page.getByRole("button", { name: "Seen to" }).first().click();
    await says(page, "The difference is settled.");
  }
  await page.goto(base + "/admin/reconciliations");
  await says(page, "Nothing waits for you.");
}));

await done();
