import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../../support/receiver.js';
import { createTenant } from '../tenants/tenancy.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const subscribe = (fields: object = {}) =>
  api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [`conformance.case${++unique}`], ...fields }, 201);
const check = (id: string, body: object = {}) => api.post(`/api/v1/subscriptions/${id}/conformance`, body, 200);
/** Which checks it did not pass. */
const failed = (report: { checks: { name: string; passed: boolean }[] }) =>
  report.checks.filter((one) => !one.passed).map((one) => one.name);

/** As the documentation of a Standard Webhooks library says, with the library itself. */
function standardReceiver(secret: string) {
  const webhook = new Webhook(secret);
  return (request: ReceivedRequest) => {
    try {
      webhook.verify(request.body, request.headers as Record<string, string>);
      return 204;
    } catch {
      return 401;
    }
  };
}

/** As the guides show it: only X-Webhook-Signature, over the raw body. */
function plainReceiver(secret: string) {
  return (request: ReceivedRequest) => {
    const expected = Buffer.from(createHmac('sha256', secret).update(request.rawBody).digest('hex'));
    const given = Buffer.from(String(request.headers['x-webhook-signature'] ?? '').replace(/^sha256=/, ''));
    return given.length === expected.length && timingSafeEqual(given, expected) ? 200 : 401;
  };
}

describe('the endpoint check', () => {
  it.each(['envelope', 'flat', 'cloudevents'])(
    'gives an A to a receiver with a Standard Webhooks library (%s)',
    async (bodyFormat) => {
      const { id, secret } = await subscribe({ bodyFormat });
      receiver.respondWith(standardReceiver(secret));
      const report = await check(id, { eventType: 'contact.created' });
      expect(report).toMatchObject({ subscriptionId: id, url: `${receiver.url}/`, grade: 'A' });
      expect(report.checks).toMatchObject([
        { name: 'good', expected: 'accept', outcome: 'accepted', passed: true, statusCode: 204 },
        { name: 'repeated', expected: 'accept', outcome: 'accepted', passed: true, statusCode: 204 },
        { name: 'tampered_body', expected: 'refuse', outcome: 'refused', passed: true, statusCode: 401 },
        { name: 'wrong_signature', expected: 'refuse', outcome: 'refused', passed: true, statusCode: 401 },
        { name: 'missing_headers', expected: 'refuse', outcome: 'refused', passed: true, statusCode: 401 },
        { name: 'stale_timestamp', expected: 'refuse', outcome: 'refused', passed: true, statusCode: 401 },
      ]);
      // The stale one is refused for its age and for nothing else.
      const stale = receiver.requests[5]!;
      const timestamp = Number(stale.headers['webhook-timestamp']);
      const signature = new Webhook(secret).sign(
        String(stale.headers['webhook-id']),
        new Date(timestamp * 1000),
        stale.body,
      );
      expect(stale.headers['webhook-signature']).toBe(signature);
      expect(Date.now() / 1000 - timestamp).toBeGreaterThanOrEqual(600);
    },
  );

  it.each(['hex', 'sha256='])(
    'tells a receiver of X-Webhook-Signature alone (%s) that it cannot see the time',
    async (signatureFormat) => {
      const { id, secret } = await subscribe({ signatureFormat });
      receiver.respondWith(plainReceiver(secret));
      const report = await check(id);
      expect(report.grade).toBe('B');
      expect(failed(report)).toEqual(['stale_timestamp']);
      expect(report.checks[5].message).toContain('webhook-timestamp');
    },
  );

  it('gives an F to one that accepts everything, and says what to do for each', async () => {
    const { id } = await subscribe();
    const report = await check(id);
    expect(report.grade).toBe('F');
    expect(report.summary).toContain('forged');
    expect(failed(report)).toEqual(['tampered_body', 'wrong_signature', 'missing_headers', 'stale_timestamp']);
    for (const one of report.checks.slice(2)) expect(one.message).toMatch(/401|refuse/);
  });

  it('finds one that checks a signature only when there is one', async () => {
    const { id, secret } = await subscribe();
    const verify = standardReceiver(secret);
    receiver.respondWith((request) => (request.headers['webhook-signature'] ? verify(request) : 200));
    expect(await check(id)).toMatchObject({ grade: 'D' });
  });

  it('finds one that signs what it parsed and not what came', async () => {
    const { id, secret } = await subscribe({ bodyFormat: 'flat' });
    // Writes the JSON anew, with spaces of its own, as a parser and a serialiser in between do.
    receiver.respondWith((request) => {
      const rewritten = JSON.stringify(JSON.parse(request.body), null, 1);
      return plainReceiver(secret)({ ...request, rawBody: Buffer.from(rewritten) });
    });
    const report = await check(id);
    expect(report).toMatchObject({
      grade: 'F',
      checks: [{ name: 'good', outcome: 'refused', passed: false }, {}, {}, {}, {}, {}],
    });
    expect(report.checks[0].message).toContain('raw bytes');
    // The rest would say nothing: it is not sent.
    expect(report.checks.slice(1).map((one: { outcome: string }) => one.outcome)).toEqual(new Array(5).fill('not_run'));
    expect(receiver.requests).toHaveLength(1);
  });

  it('finds one that refuses repeats, and one that breaks instead of refusing', async () => {
    const { id, secret } = await subscribe();
    const verify = standardReceiver(secret);
    const seen = new Set<unknown>();
    receiver.respondWith((request) => {
      const status = verify(request);
      if (status === 401) return 500;
      if (seen.has(request.headers['webhook-id'])) return 409;
      seen.add(request.headers['webhook-id']);
      return 204;
    });
    const report = await check(id);
    expect(report.grade).toBe('C');
    expect(report.checks[1]).toMatchObject({ outcome: 'refused', passed: false, statusCode: 409 });
    expect(report.checks[2]).toMatchObject({ outcome: 'unclear', passed: false, statusCode: 500 });
    expect(report.checks[2].message).toContain('outage');
  });

  it('says it when nothing answers, within the time-out of the subscription', async () => {
    const { id } = await subscribe({ timeoutMs: 1000 });
    receiver.respondWith([{ hang: true }]);
    const report = await check(id);
    expect(report).toMatchObject({
      grade: 'F',
      checks: [{ outcome: 'no_answer', statusCode: null }, {}, {}, {}, {}, {}],
    });
    expect(report.checks[0].message).toContain('did not answer within 1 s');
  });

  it('goes to no address that deliveries may not go to', async () => {
    const { id } = await subscribe();
    await app.database.query(`update subscriptions set url = 'http://10.0.0.1/', version = version + 1 where id = $1`, [
      id,
    ]);
    const report = await check(id);
    expect(report.grade).toBe('F');
    expect(report.checks[0].message).toContain('public addresses');
  });

  it('sends requests with the form, the headers and the secrets of real deliveries', async () => {
    const { id, secret } = await subscribe({ bodyFormat: 'flat', signatureFormat: 'sha256=' });
    receiver.respondWith(standardReceiver(secret));
    await check(id, { eventType: 'contact.created' });
    const test = await api.post(`/api/v1/subscriptions/${id}/test`, { eventType: 'contact.created' }, 200);
    expect(test.status).toBe('succeeded');
    const [good, repeated] = receiver.requests;
    const real = receiver.requests.at(-1)!;
    expect(Object.keys(good!.headers).sort()).toEqual(Object.keys(real.headers).sort());
    expect(good!.body).toBe(real.body);
    expect(repeated!.body).toBe(good!.body);
    expect(repeated!.headers['webhook-id']).toBe(good!.headers['webhook-id']);
    expect(repeated!.headers['x-webhook-attempt']).toBe('2');
    const ids = receiver.requests.map((request) => request.headers['webhook-id']);
    expect(new Set(ids.slice(0, 6))).toContain(undefined);
    expect(new Set(ids.slice(0, 6)).size).toBe(5);
  });

  it('asks a receiver that checks the JWT alone, as n8n does, about the JWT', async () => {
    const { id, auth } = await subscribe({
      auth: { type: 'bearer-jwt' },
      headers: { 'X-Route': 'eu' },
      asymmetric: true,
    });
    receiver.respondWith((request) => {
      const [header, claims = '', signature] = String(request.headers.authorization).replace('Bearer ', '').split('.');
      const expected = createHmac('sha256', auth.secret).update(`${header}.${claims}`).digest('base64url');
      if (signature !== expected || request.headers['x-route'] !== 'eu') return 403;
      const { exp, sha256 } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      if (exp * 1000 < Date.now()) return 403;
      return sha256 === createHash('sha256').update(request.rawBody).digest('hex') ? 200 : 403;
    });
    expect(await check(id)).toMatchObject({ grade: 'A' });
    // Of the ed25519 signature nothing is left either where somebody else signs.
    const signatures = receiver.requests.map((request) => request.headers['webhook-signature'] ?? '');
    expect(signatures.map((signature) => signature.includes('v1a,'))).toEqual([true, true, true, false, false, true]);
  });

  it('leaves no trace: no event, no delivery, no count', async () => {
    const { id } = await subscribe();
    receiver.respondWith([500]);
    const tables = ['events', 'deliveries', 'attempts', 'delivery_stats', 'subscription_health'];
    const counts = () =>
      Promise.all(tables.map(async (table) => (await app.database.query(`select count(*) as n from ${table}`))[0]!.n));
    const before = await counts();
    const { updatedAt: _before, ...shown } = await api.get(`/api/v1/subscriptions/${id}`);
    await check(id);
    expect(await counts()).toEqual(before);
    expect(await api.get(`/api/v1/subscriptions/${id}`)).toMatchObject(shown);
  });

  it("is refused for another tenant's subscription, and for samples there are none of", async () => {
    const { id } = await subscribe();
    const theirs = new Api(app.url, (await createTenant(app, 'conformance-others')).apiKey);
    await theirs.post(`/api/v1/subscriptions/${id}/conformance`, {}, 404);
    await api.post(`/api/v1/subscriptions/${id}/conformance`, { eventType: 'no.such.type' }, 404);
    expect(receiver.requests).toHaveLength(0);
  });
});
