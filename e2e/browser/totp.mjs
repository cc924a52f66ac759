// An authenticator, for the scenes in which somebody enrols.
import { createHmac } from "node:crypto";

// code is what an authenticator shows: RFC 6238, written here once more.
export function code(secret, step) {
  const bits = [...secret.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// scanned is what a phone would read off the page: Chromium has no reader of QR codes here, so that the
// key is taken from the words beside the drawing.
export async function scanned(page) {
  const secret = (await page.locator("#secret").innerText()).replaceAll(" ", "");
  if (!/^[A-Z2-7]{32}$/.test(secret)) throw new Error(`the key reads ${secret}`);
  const qr = page.locator("svg.qr");
  const box = await qr.boundingBox();
  if (!box || box.width < 180 || !(await qr.locator("path").getAttribute("d"))) throw new Error("the QR is not drawn");
  return secret;
}
