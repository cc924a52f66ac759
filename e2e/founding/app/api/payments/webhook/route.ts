// app/api/payments/webhook/route.ts
import crypto from "crypto";

const SECRET = process.env.WEBHOOK_SIGNING_SECRET!;

function verify(rawBody: string, header: string): boolean {
  const expected = "sha256=" + crypto.createHmac("sha256", SECRET).update(rawBody).digest("hex");
  const a = Buffer.from(expected);
  const b = Buffer.from(header);
  return a.length === b.length && crypto.timingSafeEqual(a, b);
}

export async function POST(req: Request) {
  // CRITICAL: verify the RAW body, not the parsed JSON.
  const rawBody = await req.text();
  const sig = req.headers.get("x-payment-signature") || "";
  if (!verify(rawBody, sig)) return new Response("bad sig", { status: 401 });

  const event = JSON.parse(rawBody);

  // IDEMPOTENT — running twice on the same event is a no-op.
  await db.order.updateMany({
    where: { id: event.sourceInvoiceId, paymentStatus: { not: event.status } },
    data: {
      paymentStatus: event.status,
      paidAt: event.paidAt ? new Date(event.paidAt) : null,
      cardPan: event.card?.pan ?? null,
      paymentSystem: event.card?.paymentSystem ?? null,
    },
  });

  return Response.json({ ok: true });
}
