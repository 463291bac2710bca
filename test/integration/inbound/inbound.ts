import { createHmac } from 'node:crypto';
import { expect } from 'vitest';
import { Api } from '../../support/api.js';
import type { TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type RawAnswer, sendRaw } from '../../support/raw-request.js';
import { createTenant } from '../tenants/tenancy.js';

export const SECRET = 'a-secret-of-these-tests';

/** A generic-hmac source with what its sender needs to know. */
export async function makeSource(api: Api, fields: object = {}) {
  const body = { provider: 'generic-hmac', name: 'test', secret: SECRET, ...fields };
  const source = await api.post('/api/v1/sources', body, 201);
  return source as { id: string; url: string; secret: string; secrets: { id: string }[]; [name: string]: unknown };
}

export const sign = (body: Buffer | string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('hex');

/** Posts to the URL of a source, signed, on the server under test. */
export function post(
  app: TestApp,
  source: { url: string },
  body: Buffer | string,
  headers: [string, string][] = [['X-Webhook-Signature', sign(body)]],
): Promise<RawAnswer> {
  return sendRaw(app.url + new URL(source.url).pathname, {
    body,
    headers: [['Content-Type', 'application/json'], ...headers],
  });
}

/** With the tenant's key, as the CRM guide shows. */
export function capture(
  app: TestApp,
  eventName: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  return sendRaw(`${app.url}/api/webhooks/${eventName}`, {
    headers: Object.entries({
      'Content-Type': 'application/json',
      'X-Tenant-ID': app.tenant.id,
      'X-API-Key': app.apiKey,
      ...headers,
    }),
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });
}

/** The event once its processing has ended with this status. */
export function ended(api: Api, id: string, status: string) {
  return eventually(async () => {
    const event = await api.get(`/api/v1/inbound-events/${id}`);
    expect(event.status, JSON.stringify(event)).toBe(status);
    return event;
  });
}

export const countOf = async (app: TestApp, table: string) =>
  (await app.database.query<{ n: number }>(`select count(*)::int as n from ${table}`))[0]!.n;

/** A second tenant, with an API of its own. */
export async function anotherTenant(app: TestApp, slug: string) {
  const { id, apiKey } = await createTenant(app, slug);
  return { id, slug, apiKey, api: new Api(app.url, apiKey) };
}
