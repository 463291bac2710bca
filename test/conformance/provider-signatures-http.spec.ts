import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { sendRaw } from '../support/raw-request.js';
import { TestClock } from '../support/test-clock.js';
import { mutationsOf, seededRandom } from './vectors/mutations.js';
import { queryOf, type SignatureCase, settingsOverHttp, signatureVectors, toCase } from './vectors/to-request.js';
import { accepts, verify } from './vectors/verify-case.js';

// The same vectors and mutations as provider-signatures.spec.ts, through the whole server and over a socket.
const clock = new TestClock();
const sources = new Map<string, { id: string; path: string }>();
let app: TestApp;
let api: Api;

beforeAll(async () => {
  app = await startTestApp({ clock });
  api = Api.of(app);
});
afterAll(() => app.close());

/** One source for each way of being configured. */
async function sourceFor(one: SignatureCase): Promise<{ id: string; path: string }> {
  const [secret] = one.secrets;
  const settings = settingsOverHttp(one);
  const key = JSON.stringify([one.provider, secret, settings]);
  const known = sources.get(key);
  if (known) return known;
  const made = await api.post('/api/v1/sources', { provider: one.provider, name: 'a vector', secret, settings }, 201);
  const source = { id: made.id as string, path: new URL(made.url).pathname };
  sources.set(key, source);
  return source;
}

async function send(one: SignatureCase) {
  const source = await sourceFor(one);
  clock.set(one.now);
  const answer = await sendRaw(`${app.url}${source.path}/${one.provider}${queryOf(one)}`, {
    method: one.method,
    headers: one.headers,
    body: one.method === 'GET' ? undefined : one.body,
  });
  return { ...answer, source };
}

/** Those long enough to be found by nothing but themselves: some vectors are signed with "foo". */
const telling = (one: SignatureCase) => one.secrets.filter((secret) => secret.length >= 8);

const stored = async () =>
  (await app.database.query<{ n: number }>('select count(*)::int as n from integration_events'))[0]!.n;

describe('over HTTP', () => {
  it.each(signatureVectors.map((vector) => [vector.id, vector] as const))('%s', async (_id, vector) => {
    const one = toCase(vector);
    const before = await stored();
    const answer = await send(one);
    const verdict = verify(one);
    if (verdict.kind === 'verified') {
      expect(answer.status, answer.body).toBe(200);
      const event = await api.get(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}`);
      expect(event).toMatchObject({
        source: one.provider,
        sourceId: answer.source.id,
        authenticated: true,
        ...(verdict.deliveryId && { deliveryId: verdict.deliveryId }),
        ...(verdict.eventName && { eventName: verdict.eventName }),
      });
      const { secrets } = await api.get(`/api/v1/sources/${answer.source.id}`);
      expect(event.secretId).toBe(one.secrets.length > 0 ? secrets[0].id : null);
      for (const secret of telling(one)) expect(JSON.stringify(event.headers)).not.toContain(secret);
      return;
    }
    expect(await stored()).toBe(before);
    expect(answer.status).toBe(verdict.status);
    if (verdict.kind === 'handshake') {
      expect(vector.valid).toBe(verdict.status === 200);
      expect(answer.body).toBe(verdict.body);
      expect(answer.headers['content-type']).toContain(verdict.contentType);
      return;
    }
    expect(vector.valid).toBe(false);
    for (const secret of telling(one)) expect(answer.body).not.toContain(secret);
    await eventually(async () => {
      const { data } = await api.get(`/api/v1/sources/${answer.source.id}/refusals`);
      expect(data[0]).toMatchObject({ reason: verdict.reason, message: verdict.message, bodyBytes: one.body.length });
      for (const secret of telling(one)) expect(JSON.stringify(data)).not.toContain(secret);
    });
  });

  it('accepts no change of what a scheme signs', async () => {
    const before = await stored();
    let sent = 0;
    for (const vector of signatureVectors.filter(({ valid }) => valid)) {
      const one = toCase(vector);
      for (const { what, detail, mutated } of mutationsOf(one, seededRandom(20_261_123), 2)) {
        expect(accepts(verify(mutated)), `${vector.id} ${what}: ${detail}`).toBe(false);
        const { status } = await send(mutated);
        expect([401, 403, 405], `${vector.id} ${what}: ${detail}`).toContain(status);
        sent++;
      }
    }
    expect(sent).toBeGreaterThan(300);
    expect(await stored()).toBe(before);
  });
});
