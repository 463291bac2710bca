import { createHmac, createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
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

async function subscribe(fields: object = {}, as = api) {
  const type = `signing.case${++unique}`;
  return {
    ...(await as.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type], ...fields }, 201)),
    type,
  };
}

async function publish({ type }: { type: string }, as = api): Promise<ReceivedRequest> {
  const before = receiver.requests.length;
  await as.post('/api/v1/events', { type, data: { text: 'olá' } }, 202);
  return eventually(() => {
    expect(receiver.requests).toHaveLength(before + 1);
    return receiver.requests.at(-1) as ReceivedRequest;
  });
}

const entries = ({ headers }: ReceivedRequest) => String(headers['webhook-signature']).split(' ');
const keys = (tenant: string, status = 200) =>
  request(app.url).get(`/.well-known/webhook-keys/${tenant}`).expect(status);

/** Whether one of the request's `v1a` entries is by this JSON Web Key. */
function verifiesAsymmetrically({ headers, rawBody, ...rest }: ReceivedRequest, jwk: object): boolean {
  const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), rawBody]);
  const key = createPublicKey({ key: jwk as never, format: 'jwk' });
  return entries({ headers, rawBody, ...rest })
    .filter((entry) => entry.startsWith('v1a,'))
    .some((entry) => verify(null, signed, key, Buffer.from(entry.slice('v1a,'.length), 'base64')));
}

const verifies = ({ body, headers }: ReceivedRequest, webhook: Webhook): boolean => {
  try {
    webhook.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
};

describe('an asymmetric subscription', () => {
  it('is also signed by the tenant’s ed25519 key, which anybody can fetch by the tenant’s id or slug', async () => {
    const subscription = await subscribe({ asymmetric: true });
    expect(subscription.asymmetric).toBe(true);
    const delivered = await publish(subscription);
    expect(entries(delivered).map((entry) => entry.split(',', 1)[0])).toEqual(['v1', 'v1a']);
    expect(verifies(delivered, new Webhook(subscription.secret))).toBe(true);

    const answer = await keys(app.tenant.id);
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringContaining('application/json'),
      'cache-control': 'public, max-age=300',
    });
    expect(answer.body).toEqual({
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          x: expect.stringMatching(/^[\w-]{43}$/),
          kid: expect.any(String),
          use: 'sig',
          alg: 'EdDSA',
          whpk: expect.stringMatching(/^whpk_.{43}=$/),
        },
      ],
    });
    const [jwk] = answer.body.keys;
    expect(Buffer.from(jwk.whpk.slice('whpk_'.length), 'base64').toString('base64url')).toBe(jwk.x);
    expect(verifiesAsymmetrically(delivered, jwk)).toBe(true);
    expect(verifiesAsymmetrically({ ...delivered, rawBody: Buffer.from(`${delivered.body} `) }, jwk)).toBe(false);
    expect((await keys(app.tenant.slug)).body).toEqual(answer.body);
  });

  it('shares one key with the tenant’s others, made once even when many ask at once, and with no other tenant', async () => {
    const tenant = await createTenant(app, 'signers');
    const theirs = new Api(app.url, tenant.apiKey);
    // Nothing tells strangers whether there is such a tenant before it has keys.
    const before = (await keys(tenant.slug, 404)).body;
    const unknown = (await keys('nobody', 404)).body;
    expect(before.detail.replace('signers', '')).toBe(unknown.detail.replace('nobody', ''));
    const subscriptions = await Promise.all(Array.from({ length: 8 }, () => subscribe({ asymmetric: true }, theirs)));
    const { body } = await keys(tenant.slug);
    expect(body.keys).toHaveLength(1);
    const [first, last] = [await publish(subscriptions[0]!, theirs), await publish(subscriptions[7]!, theirs)];
    const ours = (await keys(app.tenant.slug)).body.keys[0];
    for (const delivered of [first, last]) {
      expect(verifiesAsymmetrically(delivered, body.keys[0])).toBe(true);
      expect(verifiesAsymmetrically(delivered, ours)).toBe(false);
    }
    await keys('01a208ad-81aa-79ff-a137-7dea4536b8b7', 404);
  });

  it('may be switched on and off', async () => {
    const subscription = await subscribe();
    expect(subscription.asymmetric).toBe(false);
    expect(entries(await publish(subscription))).toHaveLength(1);
    await api.patch(`/api/v1/subscriptions/${subscription.id}`, { asymmetric: true });
    expect(verifiesAsymmetrically(await publish(subscription), (await keys(app.tenant.id)).body.keys[0])).toBe(true);
    await api.patch(`/api/v1/subscriptions/${subscription.id}`, { asymmetric: false });
    expect(entries(await publish(subscription))).toHaveLength(1);
    expect(
      (await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['a'], asymmetric: 'yes' }, 422))
        .errors[0].pointer,
    ).toBe('/asymmetric');
  });

  it('leaves the private key in the database sealed', async () => {
    await publish(await subscribe({ asymmetric: true }));
    const rows = await app.database.query<{ private_key: Buffer; public_key: Buffer }>('select * from signing_keys');
    expect(rows.length).toBeGreaterThan(0);
    for (const { private_key: sealed, public_key: open } of rows) {
      // Sealed, even the public half that stands in the private key's text is not to be found.
      expect(sealed.includes('whsk_')).toBe(false);
      expect(sealed.includes(open)).toBe(false);
    }
  });
});

describe('an own secret', () => {
  it.each([
    ['of the whsec_ form', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', (secret: string) => new Webhook(secret)],
    [
      'that is any text',
      'sua_chave_secreta_ção',
      (secret: string) => new Webhook(Buffer.from(secret), { format: 'raw' }),
    ],
  ])('%s signs both headers', async (_, secret, webhook) => {
    const subscription = await subscribe({ secret });
    expect(subscription.secret).toBe(secret);
    const delivered = await publish(subscription);
    expect(verifies(delivered, webhook(secret))).toBe(true);
    const hex = createHmac('sha256', secret).update(delivered.rawBody).digest('hex');
    expect(delivered.headers['x-webhook-signature']).toBe(hex);
  });

  it.each([
    'short',
    'x'.repeat(257),
    'whsec_',
    'whsec_not base64!',
    `whsec_${Buffer.alloc(15).toString('base64')}`,
    `whsec_${Buffer.alloc(65).toString('base64')}`,
  ])('%j is refused, at creation, in a change and in a rotation', async (secret) => {
    const { id } = await subscribe();
    const path = `/api/v1/subscriptions/${id}`;
    const created = await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['a'], secret }, 422);
    const changed = await api.patch(path, { secret }, 422);
    const rotated = await api.post(`${path}/rotate-secret`, { secret }, 422);
    for (const problem of [created, changed, rotated]) expect(problem.errors[0].pointer).toBe('/secret');
  });
});

describe('during rotations', () => {
  it('every secret that is still good signs, newest first; X-Webhook-Signature is the newest’s', async () => {
    const own = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
    const subscription = await subscribe({ asymmetric: true });
    const path = `/api/v1/subscriptions/${subscription.id}/rotate-secret`;
    const second = await api.post(path, {}, 200);
    const third = await api.post(path, { secret: own, overlapSeconds: 3600 }, 200);
    expect(third.secret).toBe(own);
    const delivered = await publish(subscription);
    expect(entries(delivered).map((entry) => entry.split(',', 1)[0])).toEqual(['v1', 'v1', 'v1', 'v1a']);
    const at = new Date(Number(delivered.headers['webhook-timestamp']) * 1000);
    const signedBy = (secret: string) =>
      new Webhook(secret).sign(String(delivered.headers['webhook-id']), at, delivered.body);
    expect(entries(delivered).slice(0, 3)).toEqual([own, second.secret, subscription.secret].map(signedBy));
    for (const secret of [own, second.secret, subscription.secret]) {
      expect(verifies(delivered, new Webhook(secret))).toBe(true);
    }
    const hex = createHmac('sha256', own).update(delivered.rawBody).digest('hex');
    expect(delivered.headers['x-webhook-signature']).toBe(hex);
  });

  it('without an overlap, or with a secret set by a change, the old one ends at once', async () => {
    const subscription = await subscribe();
    const path = `/api/v1/subscriptions/${subscription.id}`;
    const rotated = await api.post(`${path}/rotate-secret`, { overlapSeconds: 0 }, 200);
    const first = await publish(subscription);
    expect(entries(first)).toHaveLength(1);
    expect(verifies(first, new Webhook(rotated.secret))).toBe(true);
    const own = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    expect(await api.patch(path, { secret: own })).not.toHaveProperty('secret');
    const second = await publish(subscription);
    expect(entries(second)).toHaveLength(1);
    expect(verifies(second, new Webhook(own))).toBe(true);
  });
});
