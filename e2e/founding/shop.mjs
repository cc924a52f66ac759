// The app that the founding document is written for, as small as it can be: its own code below
// lib/ and app/ stands exactly as in the document; here is what the document takes for granted
// (a database, a session, a server). The test drives it over HTTP and reads its orders.
import http from "node:http";

const orders = new Map();
globalThis.db = {
  order: {
    findUnique: async ({ where }) => orders.get(where.id) ?? null,
    update: async ({ where, data }) => Object.assign(orders.get(where.id), data),
    updateMany: async ({ where, data }) => {
      const order = orders.get(where.id);
      if (!order || order.paymentStatus === where.paymentStatus.not) return { count: 0 };
      Object.assign(order, data, { changes: order.changes + 1 });
      return { count: 1 };
    },
  },
};
globalThis.getSession = async () => ({ business: { id: "biz_42", name: "Restoran A" } });
globalThis.toOfdItem = (line) => line;

const { payments } = await import("@/lib/payment-client");
const routes = {
  "/api/payments/onboard": (await import("@/app/api/payments/onboard/route")).POST,
  "/api/checkout/start": (await import("@/app/api/checkout/start/route")).POST,
  "/api/payments/webhook": (await import("@/app/api/payments/webhook/route")).POST,
};

const own = {
  "/orders": async (req) => {
    const order = await req.json();
    orders.set(order.id, { ...order, changes: 0 });
    return Response.json(order);
  },
  "/order": async (req) => Response.json(orders.get((await req.json()).id) ?? null),
  // A method of the document's client: what it returns, or the error that it throws.
  "/client": async (req) => {
    const { method, args } = await req.json();
    try {
      return Response.json({ value: await payments[method](...args) });
    } catch (e) {
      return Response.json({ error: e.message });
    }
  },
};

const server = http.createServer(async (req, res) => {
  const chunks = [];
  for await (const c of req) chunks.push(c);
  const handle = routes[req.url] ?? own[req.url];
  const request = new Request(`http://shop${req.url}`, { method: "POST", headers: req.headers, body: Buffer.concat(chunks) });
  const answer = handle ? await handle(request).catch((e) => Response.json({ error: String(e?.stack ?? e) }, { status: 500 })) : new Response("", { status: 404 });
  res.writeHead(answer.status, Object.fromEntries(answer.headers));
  res.end(Buffer.from(await answer.arrayBuffer()));
});
server.listen(0, "127.0.0.1", () => {
  process.env.API_PUBLIC_URL = process.env.WEB_PUBLIC_URL = `http://127.0.0.1:${server.address().port}`;
  console.log(process.env.API_PUBLIC_URL);
});
process.stdin.resume().on("end", () => process.exit(0)); // the test is gone
