// One Chromium for a test's scenes. A scene is a fresh profile that fails on any script error,
// any violation of the page's policy, and any request that leaves the program. No app is here that
// would open uzum:, so that the way there is the page on the web.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const base = process.env.BASE_URL;
const key = process.env.API_KEY;
const shots = new URL("./shots/", import.meta.url).pathname;
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const only = process.env.ONLY ? new RegExp(process.env.ONLY) : null;

export const browse = await chromium.launch({
  executablePath: process.env.CHROMIUM, chromiumSandbox: false,
  args: ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
await mkdir(shots, { recursive: true });

export async function api(method, path, body) {
  const answer = await fetch(base + path, { method, headers: { "x-api-key": key, "content-type": "application/json" }, body: JSON.stringify(body) });
  const got = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(got)}`);
  return got.data ?? got;
}

// act has somebody do something at a company of the sandbox.
export async function act(provider, kind, more) {
  const rep = await api("POST", `/sandbox/control/providers/${provider}/act`, { kind, ...more });
  if (rep.problems?.length) throw new Error(`${provider} objects: ${rep.problems}`);
  return rep;
}

export async function scene({ phone = false, script = true } = {}, run) {
  const context = await browse.newContext({
    viewport: phone ? { width: 360, height: 740 } : { width: 1440, height: 900 },
    isMobile: phone, hasTouch: phone, javaScriptEnabled: script, colorScheme: "light", reducedMotion: "reduce",
    userAgent: phone ? "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36" : undefined,
  });
  context.setDefaultTimeout(30_000);
  const wrong = [];
  context.on("page", (page) => {
    page.on("pageerror", (e) => wrong.push(`a script failed: ${e.message}`));
    page.on("console", (m) => { if (m.type() === "error" && !/status of (401|403|404|409|422|429|502|503)|ERR_INTERNET_DISCONNECTED|Failed to launch 'uzum:/.test(m.text())) wrong.push(`the console says: ${m.text()}`); });
    page.on("request", (r) => { if (!/^(data|blob|uzum):/.test(r.url()) && !r.url().startsWith(base)) wrong.push(`it asks elsewhere: ${r.url()}`); });
  });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    await run(page, session);
    if (wrong.length) throw new Error(wrong.join("; "));
  } finally {
    await context.close();
  }
}

// axe fails on what it calls serious or critical, in light and in dark, and on a page that scrolls
// sideways. In the dark only the colours differ. A long page is looked at in one of them only.
export async function axe(page, name, scheme) {
  await page.evaluate(axeSource); // by the debugger: the page's policy does not let it in
  const found = [];
  for (const [colorScheme, rules] of scheme ? [[scheme, {}]] : [["dark", { runOnly: ["color-contrast"] }], ["light", {}]]) {
    await page.emulateMedia({ colorScheme });
    found.push(...await page.evaluate(async ({ rules, colorScheme }) => {
      const r = await window.axe.run(document, { resultTypes: ["violations"], ...rules });
      return r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id} (${colorScheme}): ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`);
    }, { rules, colorScheme }));
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) found.push(`it is ${wide} px wider than the screen`);
  if (found.length) throw new Error(`${name}: ${found.join("; ")}`);
}

// shoot sees that the page scrolls sideways at none of its widths, and keeps a picture of each where
// SHOTS is set. They are for people to look at, and a page as long as the API reference takes half a
// minute.
export async function shoot(page, name, widths) {
  const size = page.viewportSize();
  for (const width of widths ?? (size.width < 500 ? [360] : [768, 1440])) {
    await page.setViewportSize({ width, height: size.height });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) throw new Error(`${name}: it is ${wide} px wider than a screen of ${width}`);
    for (const colorScheme of process.env.SHOTS ? ["dark", "light"] : []) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${shots}${name}-${width}${colorScheme === "dark" ? "-dark" : ""}.png`, fullPage: true });
    }
  }
  await page.setViewportSize(size);
}

export async function check(name, run) {
  if (only && !only.test(name)) return;
  try {
    await run();
    console.log(JSON.stringify({ name, ok: true }));
  } catch (e) {
    console.log(JSON.stringify({ name, ok: false, detail: String(e.message ?? e).slice(0, 2000) }));
  }
}

export async function done() {
  await browse.close();
  console.log(JSON.stringify({ done: true }));
}
