// The landing page and the documentation, as anybody reads them. Started by browser_test.go.
import { check, done, scene, base, shoot, axe } from "./browse.mjs";

await check("the landing page says what runs, in each language", () => scene({}, async (page) => {
  const { items } = await (await fetch(base + "/health")).json();
  for (const lang of ["uz", "ru", "en"]) {
    await page.goto(`${base}/?lang=${lang}`);
    const names = await page.locator(".companies code").allInnerTexts();
    if (names.join() !== items.map((i) => i.name).join()) throw new Error(`it lists ${names}`);
    if (await page.locator(".pill.bad").count()) throw new Error("it says that it is not ready");
  }
}));

await check("the status tells when a check fails, and when nobody answers, without a reload", () => scene({}, async (page) => {
  await page.clock.install();
  await page.goto(`${base}/?lang=en`);
  await page.locator("#status", { hasText: "Running" }).waitFor();
  const html = await (await fetch(`${base}/?lang=en`)).text();
  const sick = html.replace(/<p id="status"[\s\S]*?<\/p>/, '<p id="status" class="pill bad" role="status" data-lost="The status cannot be read">Not ready right now</p>');
  await page.route("**/?lang=en", (route) => route.fulfill({ contentType: "text/html", body: sick }));
  await page.clock.runFor(11_000);
  await page.locator("#status.bad", { hasText: "Not ready right now" }).waitFor();
  await page.unroute("**/?lang=en");
  await page.route("**/?lang=en", (route) => route.fulfill({ status: 502, body: "" }));
  await page.clock.runFor(11_000);
  await page.locator("#status.lost", { hasText: "The status cannot be read" }).waitFor();
  await page.unroute("**/?lang=en");
  await page.clock.runFor(11_000);
  await page.locator("#status:not(.bad)", { hasText: "Running" }).waitFor();
}));

await check("the API reference leads to each of its parts", () => scene({ script: false }, async (page) => {
  await page.goto(base + "/docs/api");
  const doc = await (await fetch(base + "/docs/openapi.json")).json();
  const shown = await page.locator(".prose h3 + p > code:only-child").allInnerTexts();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of Object.keys(item)) {
      if (!shown.includes(`${method.toUpperCase()} ${path}`)) throw new Error(`${method} ${path} is not shown`);
    }
  }
  await page.locator(".places a", { hasText: "Ask a buyer for money" }).click();
  if (!page.url().endsWith("#ask-a-buyer-for-money")) throw new Error(page.url());
}));

await check("a reader finds every page, and copies a sample", () => scene({}, async (page) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(base + "/docs");
  const links = await page.locator(".docs nav a").evaluateAll((all) => all.map((a) => a.href));
  if (links.length < 10) throw new Error(`${links.length} pages`);
  await page.locator(".sample .copy").first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  if (copied !== await page.locator(".sample code").first().evaluate((e) => e.textContent)) throw new Error(`copied: ${copied}`);
}));

await check("no page scrolls sideways, every page passes axe", async () => {
  for (const phone of [true, false]) {
    await scene({ phone }, async (page) => {
      for (const [name, path] of Object.entries({ landing: "/?lang=uz", quickstart: "/docs", missing: "/nowhere" })) {
        await page.goto(base + path);
        await axe(page, name);
        await shoot(page, name + (phone ? "-phone" : ""));
      }
    });
  }
});

await check("so does every page of the documentation", async () => {
  for (const way of [{ phone: true }, {}]) {
    await scene(way, async (page) => {
      await page.goto(base + "/docs");
      const links = await page.locator(".docs nav > a").evaluateAll((all) => all.map((a) => new URL(a.href).pathname));
      if (links.length < 17) throw new Error(`only ${links}`);
      for (const path of links) {
        await page.goto(base + path);
        await axe(page, path, way.phone ? "dark" : "light");
        await shoot(page, "docs-" + path.split("/").at(-1) + (way.phone ? "-phone" : ""));
      }
    });
  }
});

await done();
