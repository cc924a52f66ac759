// What the shop's own people do below /admin: they enrol, sign in, are refused, and look after
// merchants and each other. ENROL_OWNER, ENROL_VIEWER are one-time links, as `chorsu admin add`
// prints them. Started by browser_test.go.
import { createServer } from "node:http";
import { check, done, scene, base, api, act, shoot, axe } from "./browse.mjs";
import { code, scanned } from "./totp.mjs";

const password = "choyxona oldidagi chinor";
const people = {
  owner: { email: "dilnoza@namuna.uz", link: process.env.ENROL_OWNER },
  viewer: { email: "kuzatuvchi@namuna.uz", link: process.env.ENROL_VIEWER },
};

// fresh is a code that the person has not used yet: the next step's, where the present one is spent.
// The gateway takes one step of a fast clock.
function fresh(who) {
  const now = Math.floor(Date.now() / 30_000);
  who.used = Math.max(now, (who.used ?? 0) + 1);
  if (who.used > now + 1) throw new Error("more codes are needed than there are");
  return code(who.secret, who.used);
}

async function enrol(page, who, lang) {
  await page.goto(who.link + (lang ? `?lang=${lang}` : ""));
  who.secret = await scanned(page);
  await page.locator("#password").fill(password);
  await page.locator("#code").fill(fresh(who));
  await page.locator("form .actions button").click();
  await page.locator("#codes").waitFor();
  who.recovery = (await page.locator("#codes").innerText()).trim().split(/\s+/);
  if (who.recovery.length !== 10) throw new Error(`${who.recovery.length} recovery codes`);
}

// The sessions of the two, kept between scenes: a sign-in uses a code up, and there is one in 30 s.
async function as(who, options, run) {
  await scene(options, async (page) => {
    await page.context().addCookies([{ name: "chorsu_staff", value: who.cookie, url: base, httpOnly: true, sameSite: "Strict" }]);
    await run(page);
  });
}

async function keep(page, who) {
  const cookie = (await page.context().cookies()).find((c) => c.name === "chorsu_staff");
  if (!cookie?.httpOnly || cookie.sameSite !== "Strict") throw new Error(`the session's cookie is ${JSON.stringify(cookie)}`);
  who.cookie = cookie.value;
}

// prove types what is asked for again before power is given to somebody; a recovery code stands in
// for the phone, whose code is good once in half a minute.
async function prove(page, who, prefix) {
  who.spent = (who.spent ?? 0) + 1; // the first was used to sign in
  await page.locator(`#${prefix}-password`).fill(password);
  await page.locator(`#${prefix}-code`).fill(who.recovery[who.spent]);
}

async function heading(page, want) {
  const got = await page.locator("h1").first().innerText();
  if (!got.includes(want)) throw new Error(`${page.url()} is headed ${got}, not ${want}`);
}


await check("a person enrols an authenticator by its QR, on a phone", () => scene({ phone: true }, async (page) => {
  const who = people.owner;
  await page.goto(who.link + "?lang=uz");
  await axe(page, "enrol");
  await shoot(page, "staff-enrol");
  who.secret = await scanned(page);
  await page.locator("#password").fill("qisqa");
  await page.locator("#code").fill("000000");
  await page.locator("form .actions button").click();
  await page.locator(".notice.failed").waitFor(); // and the link is still good
  await enrol(page, who);
  await axe(page, "recovery");
  await shoot(page, "staff-recovery");
  await page.locator("main a.button").click();
  await page.waitForURL(base + "/admin/");
  await keep(page, who);
  await page.goto(who.link);
  await heading(page, "Havola endi ishlamaydi");
}));

await check("an enrolled person signs in, and out", () => scene({}, async (page) => {
  const who = people.owner;
  await page.goto(base + "/admin/merchants?lang=en");
  await page.waitForURL(/\/admin\/login\?next=/);
  await axe(page, "login");
  await shoot(page, "staff-login");
  await page.locator("#email").fill(who.email);
  await page.locator("#password").fill(password);
  await page.locator("#code").fill(who.recovery[0]); // a recovery code, as after a lost phone
  await page.locator("form .actions button").click();
  await page.waitForURL(/\/admin\/merchants/); // where one wanted to go
  await heading(page, "Merchants");
  await page.locator(".who summary").click();
  await page.locator(".who button").click();
  await page.waitForURL(base + "/admin/login");
  await page.goto(base + "/admin/staff");
  await page.waitForURL(/\/admin\/login/);
}));

await check("a second person enrols, without JavaScript", () => scene({ phone: true, script: false }, async (page) => {
  await enrol(page, people.viewer, "ru");
  await page.locator("main a.button").click();
  await heading(page, "Требует внимания");
  await keep(page, people.viewer);
}));

await check("a viewer is refused what only others may", () => as(people.viewer, {}, async (page) => {
  await page.goto(base + "/admin/merchants?lang=en");
  const menu = await page.locator(".deskmenu a").allInnerTexts();
  if (!menu.length || menu.some((t) => /staff|audit/i.test(t))) throw new Error(`the menu offers ${menu}`);
  if (await page.locator("a[href$='/merchants/new']").count()) throw new Error("a merchant can be added");
  for (const path of ["/admin/staff", "/admin/audit", "/admin/merchants/new"]) {
    const answer = await page.request.get(base + path);
    if (answer.status() !== 403) throw new Error(`${path} answers ${answer.status()}`);
  }
  await page.setExtraHTTPHeaders({});
  const form = await page.request.post(base + "/admin/staff", { form: { email: "x@x.uz", role: "owner" }, headers: { Origin: base } });
  if (form.status() !== 403) throw new Error(`a viewer adds an owner: ${form.status()}`);
}));

// Both at once, and from another origin: the cookie is Strict, and the header says where a form
// came from.
await check("another site's page can neither send a form nor frame a page", () => as(people.owner, {}, async (page) => {
  const evil = createServer((request, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(request.url === "/frame"
      ? `<iframe src="${base}/admin/staff" width="800" height="600"></iframe>`
      : `<form method="post" action="${base}/admin/staff"><input name="email" value="evil@x.uz"><input name="role" value="owner"><button>win</button></form><a href="${base}/admin/merchants?lang=en">look</a>`);
  });
  await new Promise((ready) => evil.listen(0, "127.0.0.1", ready));
  const site = `http://localhost:${evil.address().port}`; // another host than 127.0.0.1
  const other = await (await page.context().browser().newContext()).newPage();
  try {
    await other.context().addCookies([{ name: "chorsu_staff", value: people.owner.cookie, url: base, httpOnly: true, sameSite: "Strict" }]);
    await other.goto(site);
    const [answer] = await Promise.all([other.waitForResponse((r) => r.url() === base + "/admin/staff"), other.locator("button").click()]);
    if (answer.status() !== 403) throw new Error(`the form is answered ${answer.status()}`);
    await other.goto(site);
    await other.locator("a").click(); // but a plain link in a chat opens the page
    await other.locator("h1", { hasText: "Merchants" }).waitFor();
    await other.goto(site + "/frame");
    const inside = await other.frames().at(-1)?.evaluate(() => document.body?.innerText ?? "").catch(() => "");
    if (inside && /staff|xodim|сотрудник|kirish|sign in/i.test(inside)) throw new Error(`the frame shows ${inside}`);
    await page.goto(base + "/admin/staff?lang=en");
    if ((await page.locator("main").innerText()).includes("evil@x.uz")) throw new Error("the account was made");
  } finally {
    await other.context().close();
    evil.close();
  }
}));

await check("wrong codes lock the account out", () => scene({ phone: true }, async (page) => {
  const email = "nobody@namuna.uz"; // one that does not exist is told the same
  for (const who of [email, people.viewer.email]) {
    for (let i = 0; i < 5; i++) {
      await page.goto(base + "/admin/login?lang=en");
      await page.locator("#email").fill(who);
      await page.locator("#password").fill(i % 2 ? password : "not the password");
      await page.locator("#code").fill("000000");
      await page.locator("form .actions button").click();
      await page.locator(".notice.failed").filter({ hasText: "is wrong" }).waitFor();
    }
    await page.locator("#password").fill(password);
    await page.locator("#code").fill(people.viewer.recovery[1]);
    await page.locator("form .actions button").click();
    await page.locator(".notice.failed").filter({ hasText: "Too many tries" }).waitFor();
  }
  await axe(page, "locked");
  await shoot(page, "staff-locked");
}));

await check("an owner adds a merchant, tries its credentials, pays once, and reads what is left", () => as(people.owner, {}, async (page) => {
  await page.goto(base + "/admin/merchants/new?lang=en");
  await axe(page, "company");
  await page.locator(".companies a", { hasText: "Multicard" }).click();
  await page.locator("#source").fill("shop");
  await page.locator("#business").fill("namuna");
  await page.locator("#displayName").fill("Namuna choyxonasi");
  await page.locator("#c-applicationId").fill("app-7");
  await page.locator("#c-secret").fill("secret-that-nobody-sees-again");
  await page.locator("#c-storeId").fill("not a register");
  await page.locator("#m-password").fill(password);
  await page.locator("#m-code").fill("000000"); // what is wrong with the form is said before a code is used up
  await page.locator("main form .actions button").click();
  await page.locator(".notice.failed", { hasText: "storeId" }).waitFor(); // the company's own rule
  if (await page.locator("#c-secret").inputValue()) throw new Error("the secret is sent back");
  await axe(page, "merchant form");
  await shoot(page, "staff-merchant-form");
  await page.locator("#c-secret").fill("secret-that-nobody-sees-again");
  await page.locator("#c-storeId").fill("6");
  await prove(page, people.owner, "m");
  await page.locator("main form .actions button").click();
  await page.locator(".notice.paid", { hasText: "Saved" }).waitFor();
  const here = page.url().replace(/\?.*/, "");
  if ((await page.content()).includes("secret-that-nobody")) throw new Error("the secret is shown");
  await page.locator("form[action$='/check'] button").click();
  await page.locator(".notice.paid", { hasText: "takes these credentials" }).waitFor();
  await shoot(page, "staff-merchant");
  await page.locator("a[href$='/edit']").click();
  await page.locator("#displayName").fill("Namuna");
  await page.locator("main form .actions button").click(); // the secret is left empty: it stays
  await page.goto(here);
  await page.locator("form[action$='/check'] button").click();
  await page.locator(".notice.paid", { hasText: "takes these credentials" }).waitFor();
  await page.locator("form[action$='/active'] button").click();
  await page.locator(".notice.paid", { hasText: "Off" }).waitFor();
  await page.locator("form[action$='/active'] button").click();
  await page.locator(".notice.paid", { hasText: "On" }).waitFor();
}));

await check("a company that only calls us says so, and when it last did", () => as(people.owner, {}, async (page) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const { items } = await api("GET", "/api/merchants?provider=payme");
  const here = `${base}/admin/merchants/${items[0].id}?lang=en`;
  await page.goto(here);
  await page.locator("main", { hasText: "has not called us yet" }).waitFor();
  await page.locator(".pastes .copy").first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  if (copied !== items[0].callbackUrl) throw new Error(`copied: ${copied}`);
  const left = await page.locator(".steps .expired").count();
  const inv = await api("POST", "/api/invoices", { source: "shop", businessId: "namuna", provider: "payme", sourceInvoiceId: "go-live", amount: 1_500_000, notifyUrl: base + "/sandbox/inbox/shop" });
  await act("payme", "pay", { link: inv.checkoutUrl });
  for (let i = 0; i < 100 && await page.locator(".steps .expired").count() > left - 2; i++) await page.goto(here); // evidence is written in batches
  if (await page.locator(".steps .expired").count() > left - 2) throw new Error(await page.locator(".steps").innerText());
}));

await check("an owner pairs a till by a code that is shown once, and revokes it", () => as(people.owner, {}, async (page) => {
  await page.goto(base + "/admin/tills?lang=en");
  await page.locator(".spread .button").click();
  await page.locator("#name").fill("Till 1, Chilonzor");
  await page.locator("#business").fill("shop_7");
  await prove(page, people.owner, "p");
  await shoot(page, "staff-till-form");
  await page.locator("main form .actions button").click();
  const code = await page.locator("#code").innerText();
  if (!(await page.locator("#line").innerText()).includes(`pairing: "${code}"`)) throw new Error("the line has another code");
  await axe(page, "pairing code");
  await shoot(page, "staff-till-code");
  const paired = await api("POST", "/api/tills/pair", { code, deviceId: "00000001", version: "1.0.0" });
  await page.goto(base + "/admin/tills");
  await page.locator("tr", { hasText: "Till 1, Chilonzor" }).locator(".badge", { hasText: "Paired" }).waitFor();
  await page.locator("main td a").first().click();
  await page.locator("main", { hasText: "00000001" }).waitFor();
  await page.locator("input[name=sure]").check();
  await page.locator("form[action$='/revoke'] button").click();
  await page.locator(".notice.paid", { hasText: "opens nothing" }).waitFor();
  const self = await page.request.get(base + "/api/tills/self", { headers: { Authorization: `Bearer ${paired.token}` } });
  if (self.status() !== 401) throw new Error(`a revoked till is answered ${self.status()}`);
}));

await check("an owner adds a person, and takes an authenticator away", () => as(people.owner, {}, async (page) => {
  await page.goto(base + "/admin/staff?lang=en");
  await page.locator("#email").fill("Yangi@Namuna.uz");
  await page.locator("input[value=refunds]").check();
  await page.locator("#a-password").fill(password);
  await page.locator("#a-code").fill("000000");
  await page.locator("form[action$='/staff'] .actions button").click();
  await page.locator(".notice.failed", { hasText: "is wrong" }).waitFor(); // and what was typed stays
  await prove(page, people.owner, "a");
  await page.locator("form[action$='/staff'] .actions button").click();
  const link = await page.locator("#link").innerText();
  if (!link.startsWith(base + "/admin/enrol/")) throw new Error(`the link is ${link}`);
  await axe(page, "link");
  await shoot(page, "staff-link");
  await page.goto(base + "/admin/staff");
  await page.locator("a", { hasText: "yangi@namuna.uz" }).click();
  await page.locator("form[action$='/role'] input[value=support]").check();
  await prove(page, people.owner, "r");
  await page.locator("form[action$='/role'] button").click();
  await page.locator(".notice.paid", { hasText: "role is changed" }).waitFor();
  await page.goto(base + "/admin/staff");
  await page.locator("a", { hasText: people.viewer.email }).click();
  await prove(page, people.owner, "t");
  await page.locator("form[action$='/reset-totp'] button").click();
  await page.locator("#link").waitFor();
  await scene({}, async (theirs) => { // signed out everywhere
    await theirs.context().addCookies([{ name: "chorsu_staff", value: people.viewer.cookie, url: base, httpOnly: true, sameSite: "Strict" }]);
    await theirs.goto(base + "/admin/");
    await theirs.waitForURL(/\/admin\/login/);
  });
}));

await check("the last owner cannot be disabled", () => as(people.owner, {}, async (page) => {
  await page.goto(base + "/admin/staff?lang=en");
  await page.locator("main a", { hasText: people.owner.email }).click();
  await page.locator("form[action$='/disable'] button").click();
  await page.locator(".notice.failed", { hasText: "last owner" }).waitFor();
}));

await check("the audit log tells who did what, and is whole", () => as(people.owner, {}, async (page) => {
  await page.goto(base + "/admin/audit?lang=en");
  const text = await page.locator("main").innerText();
  for (const want of ["Signed in", "Sign-in refused", "Merchant added", "Merchant looked at", "Person added", "Role changed", "Authenticator reset", "Access refused", people.viewer.email]) {
    if (!text.includes(want)) throw new Error(`the log does not tell: ${want}`);
  }
  await page.locator("select[name=what]").selectOption("merchant.added");
  await page.locator(".filters button").click();
  const rows = await page.locator(".list tbody tr").count();
  if (rows !== 1) throw new Error(`${rows} merchants were added`);
  await page.locator("form[action$='/verify'] button").click();
  await page.locator(".notice.paid", { hasText: "The log is whole" }).waitFor();
  await axe(page, "audit verdict");
}));

await check("no page scrolls sideways, every page passes axe", async () => {
  const { items } = await api("GET", "/api/merchants?provider=click");
  let person;
  await as(people.owner, {}, async (page) => {
    await page.goto(base + "/admin/staff");
    person = await page.locator(".list a").first().getAttribute("href");
  });
  const pages = {
    merchants: "/admin/merchants", merchant: `/admin/merchants/${items[0].id}`, "merchant-edit": `/admin/merchants/${items[0].id}/edit`,
    tills: "/admin/tills", till: (await api("GET", "/api/tills")).items.map((t) => `/admin/tills/${t.id}`)[0], "till-new": "/admin/tills/new",
    team: "/admin/staff", person, audit: "/admin/audit", account: "/admin/account", missing: "/admin/nowhere",
  };
  const langs = ["uz", "ru", "en"];
  let turn = 0;
  for (const phone of [true, false]) {
    await as(people.owner, { phone }, async (page) => {
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(`${base}${path}?lang=${langs[turn++ % 3]}`);
        await axe(page, name);
        await shoot(page, `staff-${name}${phone ? "-phone" : ""}`);
      }
      await page.locator(phone ? ".fold > summary" : ".who > summary").click();
      await axe(page, "menu");
      await shoot(page, `staff-menu${phone ? "-phone" : ""}`);
    });
  }
});

await done();
