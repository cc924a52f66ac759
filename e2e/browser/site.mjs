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

await check("a reader finds every page, and copies a sample", () => scene({}, async (page) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(base + "/docs");
  const links = await page.locator(".docs nav a").evaluateAll((all) => all.map((a) => a.href));
  if (links.length < 10) throw new Error(`${links.length} pages`);
  await page.locator(".sample .copy").first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  if (copied !== await page.locator(".sample code").first().evaluate((e) => e.textContent)) throw new Error(`copied: ${copied}`);
}));

await check("no page scrolls sideways, every page passes axe, in light and in dark", async () => {
  for (const dark of [false, true]) {
    for (const phone of [true, false]) {
      await scene({ phone, dark }, async (page) => {
        for (const [name, path] of Object.entries({ landing: "/?lang=uz", quickstart: "/docs", webhooks: "/docs/webhooks", payme: "/docs/providers/payme", missing: "/nowhere" })) {
          await page.goto(base + path);
          await axe(page, name);
          await shoot(page, name + (phone ? "-phone" : ""));
        }
      });
    }
  }
});

await done();
