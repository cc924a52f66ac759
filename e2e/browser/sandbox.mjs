// The sandbox's page: a buyer's phone, the shop's screen, faults, clock and webhooks, as somebody
// uses it who is building an app. Started by browser_test.go.
import { check, done, scene, base, api, shoot, axe } from "./browse.mjs";

const home = base + "/sandbox/?lang=en";
const companies = { payme: "Payme", click: "Click", uzum: "Uzum Bank", multicard: "Multicard" };

// sample puts a fresh bill on the table and the phone.
async function sample(page) {
  await page.goto(home);
  await page.getByRole("button", { name: "A sample bill" }).click();
  await page.locator("#glass .ways").waitFor();
  return new URL(page.url()).searchParams.get("bill");
}

// opens chooses a company on the phone.
async function opens(page, provider) {
  await page.locator("#glass .way").filter({ hasText: companies[provider] }).click();
  await page.locator(`#glass .apphead.of-${provider}`).waitFor();
}

// answered waits for the answer to what was pressed: its news may be drawn before, and one press at a
// time counts.
const answered = (page) => page.locator("#main:not([aria-busy=true])").waitFor();

async function press(page, name) {
  await answered(page);
  await page.locator("#glass").getByRole("button", { name, exact: true }).click();
}

const outcome = (page, says) => page.locator("#glass .outcome").filter({ hasText: says }).waitFor();
const status = async (id) => (await api("GET", `/api/invoices/${id}`)).status;

async function says(page, id, want) {
  const got = await status(id);
  if (got !== want) throw new Error(`the gateway says ${got}, want ${want}`);
}

for (const provider of Object.keys(companies)) {
  await check(`${provider}: the phone pays, the shop's screen and the app hear of it by themselves`, () => scene({}, async (page) => {
    const id = await sample(page);
    await opens(page, provider);
    await shoot(page, `phone-${provider}`, [1440]);
    await press(page, "Pay");
    await outcome(page, "Paid");
    await says(page, id, "paid");
    await page.frameLocator("#desk").locator(".verdict.paid").waitFor();
    const heard = page.locator("#told li").first();
    await heard.filter({ hasText: "paid" }).filter({ hasText: "both signatures hold" }).waitFor();
    if (provider === "payme") await shoot(page, "phone-paid", [1440]);
  }));
  await check(`${provider}: refused, closed and opened again, the network lost, paid twice`, () => scene({}, async (page) => {
    let id = await sample(page);
    await opens(page, provider);
    await press(page, "Not enough money");
    await outcome(page, "did not go through");
    if (await status(id) === "paid") throw new Error("a refused card has paid");

    id = await sample(page);
    await opens(page, provider);
    await press(page, "Close the app");
    await page.locator("#glass .outcome").waitFor();
    await says(page, id, "pending");
    await page.locator("#glass").getByText("Come back and finish").click();
    if (provider === "multicard") await press(page, "Pay");
    await outcome(page, "Paid");
    await says(page, id, "paid");

    id = await sample(page);
    await opens(page, provider);
    await press(page, "Pay, and lose the network");
    await page.locator("#glass .outcome").waitFor();
    await says(page, id, "paid"); // we heard it; the company did not hear our answer
    const again = page.locator("#glass").getByRole("button", { name: "The company asks again" });
    if (await again.count()) {
      await again.click();
      await outcome(page, "Paid");
    }
    await says(page, id, "paid");

    id = await sample(page);
    await opens(page, provider);
    await press(page, "Pay twice");
    await page.locator("#glass .outcome").waitFor();
    await says(page, id, "paid");
    const money = (await api("GET", `/api/invoices/${id}`)).amount;
    if (money !== 15_000_000) throw new Error(`the invoice is ${money}`);
  }));
}

await check("the camera reads the QR on the shop's screen", () => scene({}, async (page) => {
  await sample(page);
  await page.locator("a.homebar").click();
  await page.frameLocator("#desk").locator(".way", { hasText: "Uzum Bank" }).click();
  await page.frameLocator("#desk").locator(".way[aria-current]", { hasText: "Uzum Bank" }).waitFor();
  await page.frameLocator("#desk").locator("svg.qr").waitFor();
  await page.getByRole("button", { name: "Scan the QR on the screen" }).click();
  await page.locator("#glass .apphead.of-uzum").waitFor();
  await page.goto(home);
  await page.getByLabel("A link to pay").fill("https://example.uz/nothing");
  await page.locator("#open-link").getByRole("button", { name: "Open" }).click();
  await page.locator("#glass .notice").filter({ hasText: "No app opens this link" }).waitFor();
}));

await check("the phone shows a wallet's code, which pays once and is drawn as used", () => scene({}, async (page) => {
  const id = await sample(page);
  await page.locator("a.homebar").click();
  await page.locator("#glass .own button").filter({ hasText: "Click" }).click();
  await page.locator("#glass .owncode svg.qr").waitFor();
  await shoot(page, "phone-code");
  await axe(page, "code");
  const code = await page.locator("#own-code").innerText();
  const answer = await api("POST", `/api/invoices/${id}/pay`, { method: "qr", provider: "clickpass", code });
  if (answer.status !== "paid") throw new Error(`the code leaves ${JSON.stringify(answer)}`);
  await outcome(page, "The code was used"); // by itself
  await says(page, id, "paid");
}));

await check("the phone scans what a till shows", () => scene({}, async (page) => {
  const shown = await (await fetch(base + "/sandbox/fbox/payment/one_qr/create", { method: "POST", body: JSON.stringify({ amount: "42500.00", external_id: "kassa-77" }) })).json();
  await page.goto(home);
  await page.locator("#tills a").filter({ hasText: "kassa-77" }).click();
  await page.locator("#glass .apphead.of-fbox").waitFor();
  await press(page, "Pay, and lose the network");
  await outcome(page, "No answer reached the phone");
  const status = await (await fetch(`${base}/sandbox/fbox/payment/one_qr/status?invoice_id=${shown.data.invoice_id}`)).json();
  if (status.data.status !== 2) throw new Error(`the till hears ${JSON.stringify(status)}`);
  await press(page, "Look again");
  await outcome(page, "Paid");
  await page.getByLabel("A link to pay").waitFor({ state: "detached" });
  await page.locator("a.homebar").click();
  await page.getByLabel("A link to pay").fill(shown.data.qr_text); // typed from the screen: it was paid
  await page.locator("#open-link").getByRole("button", { name: "Open" }).click();
  await press(page, "Pay");
  await page.locator("#glass .notice").filter({ hasText: "was used" }).waitFor();
}));

await check("a fault is switched on, strikes, and is switched off", () => scene({}, async (page) => {
  const id = await sample(page);
  const company = page.locator("#faults-payme");
  await company.locator("summary").first().click();
  const lost = page.locator("#faults-payme").getByRole("switch").filter({ hasText: "is lost on the way" });
  await lost.click();
  await page.locator("#faults-payme [aria-checked=true]").waitFor();
  await page.locator("#faults-payme").getByText("1 on").waitFor();
  if (!(await company.evaluate((e) => e.open))) throw new Error("the list closed by itself");
  await opens(page, "payme");
  await press(page, "Pay");
  await outcome(page, "does not know");
  await says(page, id, "pending");
  await shoot(page, "sandbox-fault", [1440]);
  await answered(page);
  await lost.click();
  await page.locator("#faults-payme [aria-checked=true]").waitFor({ state: "detached" });
  await press(page, "The company asks again");
  await outcome(page, "Paid");
  await says(page, id, "paid");
}));

await check("what the stream tells late is not drawn over what was asked for", () => scene({}, async (page) => {
  await sample(page);
  await opens(page, "payme");
  const here = page.url();
  const gate = () => { const g = {}; g.reached = new Promise((r) => { g.reach = r; }); g.opened = new Promise((r) => { g.open = r; }); return g; };
  const post = gate(), stale = gate();
  await page.route("**/sandbox/phone", async (route) => { post.reach(); await post.opened; await route.continue(); });
  await page.route((url) => url.href === here, async (route) => { stale.reach(); await stale.opened; await route.continue(); });
  await press(page, "Pay");
  await post.reached; // the press is under way
  await api("POST", "/sandbox/control/providers/click/faults", { step: "page", kind: "late", times: 1 });
  await stale.reached; // and the stream has the page fetched as it was
  post.open();
  await outcome(page, "Paid");
  const late = page.waitForResponse((r) => r.url() === here);
  stale.open();
  await (await late).finished();
  await page.evaluate(async () => { // whatever was to be drawn of it is drawn by then
    for (let i = 0; i < 10; i++) await (await fetch("/livez", { cache: "no-store" })).text();
  });
  const shows = await page.locator("#glass").innerText();
  if (!shows.includes("Home screen")) throw new Error(`the phone went back to ${shows}`);
  await api("DELETE", "/sandbox/control/providers/click/faults");
}));

await check("any fault can be set on any step", () => scene({}, async (page) => {
  await page.goto(home);
  await page.locator("#faults-click > summary").click();
  await page.locator("#another-click > summary").click();
  await page.locator("#step-click").selectOption("prepare");
  await page.locator("#kind-click").selectOption("twice");
  await page.locator("#times-click").fill("3");
  await page.locator("#another-click").getByRole("button", { name: "Switch on" }).click();
  await page.locator("#faults-click [role=switch][aria-checked=true]").filter({ hasText: "times left: 3" }).waitFor();
  await answered(page);
  await page.locator("#another-click").getByRole("button", { name: "Switch everything off" }).click();
  await page.locator("#faults-click [aria-checked=true]").waitFor({ state: "detached" });
}));

await check("a webhook is replayed, and holds", () => scene({}, async (page) => {
  await sample(page);
  await opens(page, "click");
  await press(page, "Pay");
  const first = page.locator("#told details", { hasText: "paid" }).first();
  await first.waitFor();
  const told = page.locator("#" + await first.getAttribute("id")); // others may come before it meanwhile
  const event = (await told.locator("pre").textContent()).match(/x-payment-event-id: (\S+)/i)[1];
  await told.locator("summary").click();
  await shoot(page, "sandbox-inbox", [1440]);
  await answered(page);
  await told.getByRole("button", { name: "Replay into this inbox" }).click();
  await page.locator("#told details").filter({ hasText: event }).filter({ hasText: "again" }).filter({ hasText: "both signatures hold" }).first().waitFor();
}));

await check("the clock moves, and an open bill runs out in everybody's sight", () => scene({}, async (page) => {
  await sample(page);
  await page.getByRole("button", { name: "+15 min" }).click();
  await page.locator("#clock").getByText("moved by 15m").waitFor();
  for (const moved of ["12h15m", "24h15m"]) {
    await answered(page);
    await page.getByRole("button", { name: "+12 h" }).click();
    await page.locator("#clock").getByText(moved).waitFor();
  }
  await page.frameLocator("#desk").locator(".verdict.expired").waitFor();
}));

await check("by keyboard alone", () => scene({}, async (page) => {
  const id = await sample(page);
  await page.locator("#glass .way").filter({ hasText: "Payme" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("#glass .apphead.of-payme").waitFor();
  const reached = [];
  for (let i = 0; i < 30; i++) {
    const here = await page.evaluate(() => document.activeElement?.closest("#glass") ? document.activeElement.textContent.trim() : "");
    if (here === "Pay") break;
    reached.push(here);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await outcome(page, "Paid").catch(async () => { throw new Error(`by Tab one reaches ${reached}; the phone shows ${await page.locator("#glass").innerText()}`); });
  await says(page, id, "paid");
}));

await check("without JavaScript", () => scene({ script: false }, async (page) => {
  const id = await sample(page);
  await opens(page, "multicard");
  await press(page, "Pay");
  await outcome(page, "Paid");
  await says(page, id, "paid");
  await page.reload();
  await page.locator("#told li").first().filter({ hasText: "both signatures hold" }).waitFor();
  await page.getByRole("button", { name: "+15 min" }).click();
  await page.locator("#clock").getByText("moved by").waitFor();
  await outcome(page, "Paid"); // the phone shows what it showed
}));

await check("the companies' own pages carry the bar, pass axe", async () => {
  for (const phone of [true, false]) {
    await scene({ phone }, async (page) => {
      for (const provider of Object.keys(companies)) {
        await sample(page);
        await opens(page, provider);
        await page.goto(new URL(page.url()).searchParams.get("link"));
        if (!(await page.locator(".test").innerText()).includes("SINOV")) throw new Error(`${provider} has no bar`);
        await axe(page, provider);
        await shoot(page, `company-${provider}${phone ? "-phone" : ""}`);
      }
    });
  }
});

await check("no other site may frame the page, or the shop's", () => scene({}, async () => {
  for (const path of ["/sandbox/", "/pay/nothing", "/", "/docs/api"]) {
    const policy = (await fetch(base + path)).headers.get("content-security-policy");
    if (!/frame-ancestors '(none|self)'/.test(policy)) throw new Error(`${path}: ${policy}`);
  }
  for (const path of ["phone", "phone/open", "phone/sample", "phone/code", "faults", "clock", "replay"]) {
    const answer = await fetch(`${base}/sandbox/${path}`, { method: "POST", headers: { Origin: "https://evil.example" }, redirect: "manual" });
    if (answer.status !== 403) throw new Error(`${path} answers another site ${answer.status}`);
  }
}));

await check("no page scrolls sideways, every page passes axe, in each language", async () => {
  for (const phone of [true, false]) {
    await scene({ phone }, async (page) => {
      const id = await sample(page);
      const pages = { home: "/sandbox/?lang=uz", "home-ru": "/sandbox/?lang=ru", bill: `/sandbox/?lang=uz&bill=${id}&link=/pay/${id}`, nothing: "/sandbox/?lang=en&link=x" };
      await opens(page, "multicard");
      pages.card = page.url().slice(base.length);
      await press(page, "Pay");
      await outcome(page, "Paid");
      pages.result = page.url().slice(base.length);
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(base + path);
        await shoot(page, `sandbox-${name}${phone ? "-phone" : ""}`);
        await page.evaluate(() => { for (const d of document.querySelectorAll("details")) d.open = true; });
        await axe(page, name);
      }
    });
  }
});

await done();
