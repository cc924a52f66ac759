// payment-client.ts
const BASE = process.env.PAYMENT_SERVICE_URL!;
const KEY  = process.env.PAYMENT_SERVICE_KEY!;
const SOURCE = "marketplace"; // your app's stable identifier

const call = async <T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> => {
  const res = await fetch(`${BASE}${path}`, {
    method,
    headers: { "Content-Type": "application/json", "x-api-key": KEY },
    body: body ? JSON.stringify(body) : undefined,
  });
  const json = await res.json();
  if (!res.ok || json.status === false) {
    throw new Error(json.message || `HTTP ${res.status}`);
  }
  return json.data as T;
};

export const payments = {
  listProvidersFor: (businessId: string) =>
    call<{ items: { provider: string; displayName: string | null }[] }>(
      "GET", `/api/merchants/by-business/${SOURCE}/${encodeURIComponent(businessId)}/providers`,
    ),

  registerMerchant: (input: {
    businessId: string;
    provider: string;
    credentials: Record<string, string>;
    displayName?: string;
  }) => call<{ id: string }>("POST", "/api/merchants", { source: SOURCE, isActive: true, ...input }),

  createInvoice: (input: {
    businessId: string;
    provider: string;
    sourceInvoiceId: string;
    amount: number; // tiyin
    notifyUrl: string;
    returnUrl?: string;
    returnErrorUrl?: string;
    lang?: "uz" | "ru" | "en";
    ofd?: unknown[];
  }) => call<{
    id: string;
    checkoutUrl: string;
    deeplink: string | null;
    status: string;
  }>("POST", "/api/invoices", { source: SOURCE, currency: "UZS", ...input }),

  getInvoice: (id: string) =>
    call<{ id: string; status: string; paidAt: string | null }>("GET", `/api/invoices/${id}`),

  refund: (input: { invoiceId: string; amount?: number; ofd?: unknown[]; cardPan?: string; reason?: string; idempotencyKey?: string }) =>
    call<{ id: string; status: string }>("POST", "/api/refunds", input),
};
