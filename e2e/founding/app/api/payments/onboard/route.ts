// app/api/payments/onboard/route.ts (Next.js)
import { payments } from "@/lib/payment-client";

export async function POST(req: Request) {
  const session = await getSession(req);
  if (!session) return Response.json({ error: "auth" }, { status: 401 });

  const { provider, credentials } = await req.json();
  // credentials shape depends on the provider — see the Providers section.

  const { id } = await payments.registerMerchant({
    businessId: session.business.id,
    provider,
    credentials,
    displayName: `${session.business.name} — ${provider}`,
  });
  return Response.json({ id });
}
