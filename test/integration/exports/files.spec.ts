import { createHash } from 'node:crypto';
import pg from 'pg';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ExportSweeper } from '../../../src/export/export-sweeper.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { addMember, createKey, createTenant, logIn, slowDownCommits } from '../tenants/tenancy.js';
import { actsOn, fillContacts, insertContact, insertTag } from './contacts.js';

/** Several pieces of a file. */
const CONTACTS = 12_000;

let app: TestApp;
let api: Api;
let receiver: Receiver;
const clock = new TestClock(new Date());
beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20' } }), startReceiver()]);
  api = Api.of(app);
  await fillContacts(app.database, app.tenant.id, CONTACTS);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));
beforeEach(() => clock.advance({ seconds: 1 }));

const EXPORTS = '/api/v1/exports';
const finished = (id: string, as = api) =>
  eventually(async () => {
    const shown = await as.get(`${EXPORTS}/${id}`);
    expect(shown.finishedAt, JSON.stringify(shown)).not.toBeNull();
    return shown;
  });
// biome-ignore lint/suspicious/noExplicitAny: the view as the API shows it
const exported = async (body: object, as = api): Promise<any> => finished((await as.post(EXPORTS, body, 202)).id, as);
async function file(id: string, headers: Record<string, string> = {}, key = app.apiKey) {
  const answer = await fetch(`${app.url}${EXPORTS}/${id}/file`, { headers: { 'x-api-key': key, ...headers } });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}
/** Whoever reads contacts waits meanwhile: a file is begun and not written. */
async function whileContactsAreLocked<T>(work: () => Promise<T>): Promise<T> {
  const holder = new pg.Client({ connectionString: app.database.url });
  await holder.connect();
  try {
    await holder.query('begin; lock table contacts in access exclusive mode');
    return await work();
  } finally {
    await holder.end();
  }
}
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const lines = (bytes: Buffer) =>
  bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a file of contacts', () => {
  it('is written in the background, piece by piece, and its bytes have the hash, length and rows of the record', async () => {
    const asked = await api.post(EXPORTS, { resource: 'contacts', format: 'csv' }, 202);
    expect(asked).toMatchObject({
      kind: 'file',
      status: 'queued',
      rows: 0,
      sha256: null,
      fileUrl: null,
      jobId: expect.any(String),
    });
    const shown = await finished(asked.id);
    expect(shown).toMatchObject({
      status: 'succeeded',
      rows: CONTACTS,
      total: CONTACTS,
      fileUrl: `${EXPORTS}/${asked.id}/file`,
      expiresAt: new Date(clock.now().getTime() + 7 * 24 * 3_600_000).toISOString(),
    });
    const { status, headers, bytes } = await file(asked.id);
    expect(status).toBe(200);
    expect(bytes.length).toBe(shown.bytes);
    expect(sha256(bytes)).toBe(shown.sha256);
    expect(headers.get('etag')).toBe(`"${shown.sha256}"`);
    expect(headers.get('repr-digest')).toBe(`sha-256=:${Buffer.from(shown.sha256, 'hex').toString('base64')}:`);
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="contacts-\d{8}T\d{6}Z\.csv"$/);
    expect(bytes.toString().match(/\r\n/g)).toHaveLength(CONTACTS + 1);
    const pieces = await app.database.query('select 1 from export_chunks where export_id = $1', [asked.id]);
    expect(pieces.length).toBeGreaterThan(2);
    expect(await api.get(`/api/v1/jobs/${shown.jobId}`)).toMatchObject({
      kind: 'exports.write',
      status: 'succeeded',
      done: CONTACTS,
    });
  });

  it('holds in every format the same contacts, each once', async () => {
    const json = await exported({ resource: 'contacts', format: 'json', fields: ['email', 'customFields'] });
    const ndjson = await exported({ resource: 'contacts', format: 'ndjson', fields: ['email', 'customFields'] });
    const whole = JSON.parse((await file(json.id)).bytes.toString());
    expect(whole).toMatchObject({ exportId: json.id, resource: 'contacts', filters: {}, count: CONTACTS });
    expect(whole.data[0]).toEqual({
      email: 'person1@example.com',
      customFields: { favorite_drink: 'latte', visit_count: '1' },
    });
    expect(new Set(whole.data.map((row: { email: string }) => row.email)).size).toBe(CONTACTS);
    expect(lines((await file(ndjson.id)).bytes)).toEqual(whole.data);
  });

  it('has only those that its filters mean, and what was there when it was asked for', async () => {
    const { database, tenant } = app;
    const id = await insertContact(database, tenant.id, { email: 'chosen@example.com', opt_in_telegram: true });
    await insertTag(database, tenant.id, 'chosen', [id]);
    const filters = { hasTag: 'chosen', optedIn: ['telegram'], search: 'chosen', createdAfter: '2020-01-01' };
    const { id: exportId } = await exported({ resource: 'contacts', format: 'ndjson', fields: ['email'], filters });
    expect(lines((await file(exportId)).bytes)).toEqual([{ email: 'chosen@example.com' }]);
    await database.query('delete from contacts where id = $1', [id]);
  });

  it('is resumed where a download broke off, and only while it is the same file', async () => {
    const { id, bytes: size } = await exported({ resource: 'contacts', format: 'csv', bom: true });
    const { bytes: whole, headers } = await file(id);
    expect(whole.subarray(0, 3).toString('hex')).toBe('efbbbf');
    const middle = 1024 * 1024 + 17;
    const rest = await file(id, { range: `bytes=${middle}-` });
    expect(rest.status).toBe(206);
    expect(rest.headers.get('content-range')).toBe(`bytes ${middle}-${size - 1}/${size}`);
    expect(rest.bytes.equals(whole.subarray(middle))).toBe(true);
    const few = await file(id, { range: 'bytes=5-9' });
    expect([few.status, few.bytes.toString()]).toEqual([206, whole.subarray(5, 10).toString()]);
    expect((await file(id, { range: 'bytes=-4' })).bytes.equals(whole.subarray(-4))).toBe(true);
    expect((await file(id, { range: `bytes=0-${size * 2}` })).bytes.equals(whole)).toBe(true);

    const condition = { range: 'bytes=5-9', 'if-range': headers.get('etag') as string };
    expect((await file(id, condition)).status).toBe(206);
    expect((await file(id, { ...condition, 'if-range': '"another"' })).bytes.equals(whole)).toBe(true);
    // What cannot be honoured is ignored: the whole file is an answer, too.
    for (const range of ['bytes=0-1,4-5', 'lines=1-2', 'nonsense'])
      expect((await file(id, { range })).status).toBe(200);

    const beyond = await file(id, { range: `bytes=${size}-` });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe(`bytes */${size}`);
    expect(JSON.parse(beyond.bytes.toString()).code).toBe('range_not_satisfiable');
  });

  it('says its length to HEAD, and every download is in the audit log', async () => {
    const { id, bytes } = await exported({ resource: 'contacts', format: 'ndjson', fields: ['id'] });
    const head = await request(app.url).head(`${EXPORTS}/${id}/file`).set('x-api-key', app.apiKey);
    expect([head.status, head.headers['content-length'], head.headers['accept-ranges']]).toEqual([
      200,
      String(bytes),
      'bytes',
    ]);
    await file(id, { range: 'bytes=0-9' });
    await file(id);
    const acts = await actsOn(api, id);
    expect(acts.map(({ action }) => action)).toEqual([
      'export.downloaded',
      'export.downloaded',
      'export.succeeded',
      'export.started',
    ]);
    expect(acts[1]?.details).toEqual({ start: 0, end: 10, size: bytes });
  });
});

describe('exports of what was sent and received', () => {
  let subscription: { id: string; secret: string };
  beforeAll(async () => {
    subscription = await api.post(
      '/api/v1/subscriptions',
      {
        url: receiver.url,
        eventTypes: ['exported.*'],
        headers: { 'x-their-key': 'top-secret-header' },
        auth: { type: 'basic', username: 'user', password: 'top-secret-password' },
      },
      201,
    );
    receiver.respondWith([{ status: 500, body: '=1+1', headers: { 'set-cookie': 'session=top-secret-cookie' } }, 200]);
    await api.post('/api/v1/events', { type: 'exported.one', data: { n: 1, text: 'a\nb' }, channel: '@room' }, 202);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await api.post('/api/v1/events', { type: 'exported.two', data: { n: 2 } }, 202);
    await api.post('/api/webhooks/lead.captured', { email: 'lead@example.com' }, 202, {
      'x-tenant-id': app.tenant.id,
      'x-api-key': app.apiKey,
    });
    await eventually(async () => {
      expect(await app.database.query(`select 1 from attempts`)).toHaveLength(2);
      expect(await app.database.query(`select 1 from integration_events where status = 'processed'`)).toHaveLength(1);
    });
  });

  const rows = async (resource: string, filters: object = {}, format = 'ndjson') => {
    const { id } = await exported({ resource, format, filters });
    const { bytes } = await file(id);
    return format === 'ndjson' ? (bytes.length === 0 ? [] : lines(bytes)) : bytes.toString();
  };

  it('events have their data as it was sent', async () => {
    expect(await rows('events', { type: 'exported.one' })).toMatchObject([
      {
        type: 'exported.one',
        data: { n: 1, text: 'a\nb' },
        channel: '@room',
        metadata: null,
        createdAt: expect.stringMatching(/Z$/),
      },
    ]);
    expect(await rows('events', { since: '2999-01-01' })).toEqual([]);
    const csv = await rows('events', { type: 'exported.one' }, 'csv');
    expect(csv).toContain(`,"{""n"":1,""text"":""a\\nb""}",,'@room,`);
  });

  it('deliveries and attempts can be chosen by subscription, status and outcome', async () => {
    expect(await rows('deliveries', { subscriptionId: subscription.id, eventType: 'exported.two' })).toMatchObject([
      { subscriptionId: subscription.id, eventType: 'exported.two', attemptCount: 1 },
    ]);
    expect(await rows('deliveries', { status: 'cancelled' })).toEqual([]);
    const failed = await rows('attempts', { outcome: 'retry' });
    expect(failed).toMatchObject([
      { number: 1, statusCode: 500, error: { code: 'http_500', message: expect.any(String) }, responseBody: '=1+1' },
    ]);
    expect(await rows('attempts', { deliveryId: failed[0].deliveryId })).toEqual(failed);
    expect(await rows('attempts', { outcome: 'retry' }, 'csv')).toContain(`'=1+1`);
  });

  it('attempts hold no secret and no credential of anybody', async () => {
    for (const format of ['ndjson', 'csv']) {
      const text = JSON.stringify(await rows('attempts', {}, format));
      expect(text).toContain('x-webhook-signature');
      for (const secret of [
        'top-secret',
        subscription.secret,
        Buffer.from('user:top-secret-password').toString('base64'),
      ])
        expect(text).not.toContain(secret);
    }
  });

  it('inbound events have the payload that came, and no credentials', async () => {
    const [row, ...more] = await rows('inbound-events', { source: 'api', eventName: 'lead.captured' });
    expect(more).toEqual([]);
    expect(row).toMatchObject({ source: 'api', status: 'processed', payload: { email: 'lead@example.com' } });
    expect(JSON.stringify(row)).not.toContain(app.apiKey);
  });
});

describe('who may', () => {
  it('needs the scope to read such rows one by one', async () => {
    const owner = await logIn(app, app.owner);
    const exportsOnly = new Api(app.url, (await createKey(app, owner, ['exports:read'])).key);
    for (const [resource, scope] of [
      ['contacts', 'data:read'],
      ['events', 'events:read'],
      ['deliveries', 'events:read'],
      ['attempts', 'events:read'],
      ['inbound-events', 'inbound:read'],
    ]) {
      expect((await exportsOnly.post(EXPORTS, { resource, format: 'csv' }, 403)).detail).toContain(scope);
    }
    const { id } = await exported({ resource: 'contacts', format: 'csv', fields: ['id'] });
    await exportsOnly.get(`${EXPORTS}/${id}`);
    expect((await exportsOnly.get(`${EXPORTS}/${id}/file`, 403)).detail).toContain('data:read');
  });

  it('another tenant finds neither record nor file, and cannot cancel', async () => {
    const { id } = await exported({ resource: 'contacts', format: 'csv', fields: ['id'] });
    const theirs = new Api(app.url, (await createTenant(app, 'exports-other')).apiKey);
    expect(await theirs.get(EXPORTS)).toEqual({ data: [], nextCursor: null });
    await theirs.get(`${EXPORTS}/${id}`, 404);
    await theirs.get(`${EXPORTS}/${id}/file`, 404);
    await theirs.post(`${EXPORTS}/${id}/cancel`, {}, 404);
    const own = await exported({ resource: 'contacts', format: 'ndjson' }, theirs);
    expect(own).toMatchObject({ rows: 0, bytes: 0, status: 'succeeded' });
  });

  it('a member may cancel his own export, an administrator any, others none', async () => {
    const owner = await logIn(app, app.owner);
    const [one, other] = [
      await addMember(app, owner, 'developer', 'dev@exports.example'),
      await addMember(app, owner, 'viewer', 'viewer@exports.example'),
    ];
    const cancel = (id: string, token: string, status: number) =>
      new Api(app.url, token).post(`${EXPORTS}/${id}/cancel`, {}, status);
    await whileContactsAreLocked(async () => {
      const ask = () => new Api(app.url, one.token).post(EXPORTS, { resource: 'contacts', format: 'csv' }, 202);
      const [first, second] = [await ask(), await ask()];
      expect(first.by).toEqual({ kind: 'member', id: one.id, name: 'dev@exports.example' });
      expect((await cancel(first.id, other.token, 403)).detail).toContain('dev@exports.example');
      expect((await cancel(first.id, one.token, 200)).status).toBe('cancelled');
      expect((await cancel(second.id, owner, 200)).status).toBe('cancelled');
    });
  });
});

describe('the end of a file', () => {
  const sweep = () => app.app.get(ExportSweeper, { strict: false }).sweep();
  const pieces = (id: string) => app.database.query('select 1 from export_chunks where export_id = $1', [id]);

  it('comes after a week: 410 that says so, the bytes are removed, the record stays', async () => {
    const shown = await exported({ resource: 'contacts', format: 'csv' });
    clock.advance({ days: 6 });
    await sweep();
    expect((await file(shown.id)).status).toBe(200);
    clock.advance({ days: 1 });
    const gone = await file(shown.id);
    expect(gone.status).toBe(410);
    expect(JSON.parse(gone.bytes.toString())).toMatchObject({
      code: 'gone',
      detail: expect.stringContaining(shown.expiresAt),
    });
    expect(await pieces(shown.id)).not.toEqual([]);
    await sweep();
    expect(await pieces(shown.id)).toEqual([]);
    expect(await api.get(`${EXPORTS}/${shown.id}`)).toMatchObject({
      status: 'expired',
      fileUrl: null,
      sha256: shown.sha256,
      rows: shown.rows,
    });
    expect((await api.get(`${EXPORTS}?status=expired`)).data.map((one: { id: string }) => one.id)).toContain(shown.id);
    expect((await api.get(`${EXPORTS}?status=succeeded`)).data.map((one: { id: string }) => one.id)).not.toContain(
      shown.id,
    );
  });

  it('comes when it is cancelled half-way: what was written is removed, and its job has ended', async () => {
    const asked = await api.post(EXPORTS, { resource: 'contacts', format: 'json' }, 202);
    const quickAgain = await slowDownCommits(app, 'exports');
    await eventually(async () => expect(await pieces(asked.id)).not.toEqual([]));
    const cancelled = await api.post(`${EXPORTS}/${asked.id}/cancel`, {}, 200);
    await quickAgain();
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      error: expect.stringContaining('Cancelled by'),
      sha256: null,
    });
    expect(await api.post(`${EXPORTS}/${asked.id}/cancel`, {}, 200)).toEqual(cancelled);
    expect(await api.get(`/api/v1/jobs/${asked.jobId}`)).toMatchObject({ status: 'cancelled' });
    expect(JSON.parse((await file(asked.id)).bytes.toString())).toMatchObject({
      status: 404,
      detail: expect.stringContaining('cancelled'),
    });
    await sweep();
    expect(await pieces(asked.id)).toEqual([]);
  });

  it('comes when its job is cancelled', async () => {
    const asked = await whileContactsAreLocked(async () => {
      const one = await api.post(EXPORTS, { resource: 'contacts', format: 'json' }, 202);
      expect((await file(one.id)).status).toBe(409);
      expect((await api.post(`/api/v1/jobs/${one.jobId}/cancel`, {}, 200)).status).toBe('cancelled');
      return one;
    });
    clock.advance({ minutes: 2 });
    await sweep();
    expect(await api.get(`${EXPORTS}/${asked.id}`)).toMatchObject({
      status: 'cancelled',
      error: 'Its job was cancelled.',
    });
  });
});

it.each([
  [{ resource: 'secrets', format: 'csv' }, '/resource'],
  [{ resource: 'contacts', format: 'xlsx' }, '/format'],
  [{ resource: 'contacts', format: 'json', bom: true }, '/bom'],
  [{ resource: 'contacts', format: 'csv', fields: ['bookings'] }, '/fields'],
  [{ resource: 'contacts', format: 'csv', filters: { colour: 'red' } }, '/filters/colour'],
  [{ resource: 'contacts', format: 'csv', filters: { hasTag: ['nope'] } }, '/filters/hasTag'],
  [{ resource: 'contacts', format: 'csv', filters: { createdAfter: 'soon' } }, '/filters/createdAfter'],
  [{ resource: 'events', format: 'csv', filters: { since: 'soon' } }, '/filters/since'],
  [{ resource: 'deliveries', format: 'csv', filters: { subscriptionId: 'x' } }, '/filters/subscriptionId'],
  [{ resource: 'attempts', format: 'csv', filters: { outcome: 'good' } }, '/filters/outcome'],
  [{ resource: 'inbound-events', format: 'csv', filters: { status: 'x' } }, '/filters/status'],
])('refuses %j with a pointer', async (body, pointer) => {
  expect((await api.post(EXPORTS, body, 422)).errors[0].pointer).toBe(pointer);
});
