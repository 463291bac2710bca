import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../../support/receiver.js';

const documents = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../conformance/documents/${name}.json`, import.meta.url), 'utf8'));
const crm = documents('crm');
const flowkick = documents('flowkick');
const sistemaCrm = documents('sistema-crm');

let app: TestApp;
let api: Api;
let receiver: Receiver;
let secrets: { crm: string; flowkick: string; sistemaCrm: string };
let subscriptions: string[];

beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
  await api.patch('/api/v1/tenant', { settings: { defaultCountry: 'BR' } });
  await api.post('/api/v1/custom-fields', { name: 'favorite_drink', type: 'text' }, 201);
  for (const name of ['visit_count', 'loyalty_points'])
    await api.post('/api/v1/custom-fields', { name, type: 'number' }, 201);
});
afterAll(() => app.close());

beforeEach(async () => {
  await app.database.query('delete from contacts');
  receiver = await startReceiver();
  const [one, two, three] = [
    await api.post('/api/webhooks/subscriptions', { event_name: 'contact.*', target_url: `${receiver.url}/crm` }, 201),
    (
      await api.post(
        '/api/admin/webhooks',
        { name: 'My CRM', url: `${receiver.url}/flowkick`, events: ['user.*', 'tag.*', 'customfield.updated'] },
        201,
      )
    ).webhook,
    await api.post(
      '/api/v1/subscriptions',
      { url: `${receiver.url}/sistema`, eventTypes: ['cliente.*'], signatureFormat: 'sha256=', bodyFormat: 'envelope' },
      201,
    ),
  ];
  secrets = { crm: one.secret, flowkick: two.secret, sistemaCrm: three.secret };
  subscriptions = [one.id, two.id, three.id];
});
afterEach(async () => {
  for (const id of subscriptions) await api.delete(`/api/v1/subscriptions/${id}`);
  await receiver.close();
});

const create = (fields: object) => api.post('/api/v1/contacts', fields, 201);
const eventCount = async () => Number((await app.database.query('select count(*) as n from events'))[0]!.n);
/** What has come at a path, once it is so many. */
const received = (path: string, count: number) =>
  eventually(() => {
    const requests = receiver.requests.filter((one) => one.path === path);
    expect(requests, path).toHaveLength(count);
    return requests.map((one) => ({ ...one, json: JSON.parse(one.body) }));
  });
const started = async () => {
  for (const path of ['/crm', '/flowkick', '/sistema']) await received(path, 1);
  receiver.requests.length = 0;
};
const hmac = (secret: string, { rawBody }: ReceivedRequest) =>
  createHmac('sha256', secret).update(rawBody).digest('hex');

/** The sample with our ids and times where it has its own: everything else must be as it is printed. */
function asPrinted(sample: unknown, ours: unknown, path = ''): unknown {
  if (
    typeof sample === 'string' &&
    /(^|\.)(id|timestamp|at|\w+At|\w+Em|lastUpdated|lastBooking|lastSynced)$/.test(path)
  ) {
    expect(ours, path).toMatch(path.endsWith('id') ? /^[0-9a-f-]{36}$/ : /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    return ours;
  }
  if (typeof sample !== 'object' || sample === null) return sample;
  const entries = Object.entries(sample).map(([key, value]) => [
    key,
    asPrinted(value, (ours as Record<string, unknown> | undefined)?.[key], path ? `${path}.${key}` : key),
  ]);
  return Array.isArray(sample) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

describe('one change of a contact', () => {
  it('reaches the receivers of all three vocabularies, each as its guide prints and signs it', async () => {
    const { id } = await create({
      firstName: 'João',
      lastName: 'Silva',
      email: 'joao@example.com',
      phone: '(11) 88888-8888',
    });
    await started();
    await api.patch(`/api/v1/contacts/${id}`, { phone: '(11) 99999-9999' });

    const [flat] = await received('/crm', 1);
    expect(flat!.json).toMatchObject({
      contact_id: id,
      email: 'joao@example.com',
      changes: { phone: { old: '+5511888888888', new: '+5511999999999' } },
    });
    expect(flat!.headers['x-webhook-signature']).toBe(hmac(secrets.crm, flat!));

    const [envelope] = await received('/flowkick', 1);
    expect(envelope!.json).toMatchObject({
      event: 'user.updated',
      data: {
        user: { id, phone: '+5511999999999' },
        changes: { phone: { old: '+5511888888888', new: '+5511999999999' } },
      },
      metadata: { source: 'api', action: 'updated' },
    });
    expect(envelope!.headers['x-webhook-signature']).toBe(hmac(secrets.flowkick, envelope!));

    const [portuguese] = await received('/sistema', 1);
    expect(portuguese!.json).toEqual(asPrinted(sistemaCrm['cliente.atualizado'], portuguese!.json));
    expect(portuguese!.headers['x-webhook-signature']).toBe(`sha256=${hmac(secrets.sistemaCrm, portuguese!)}`);
    const rows = await app.database.query('select distinct ordering_key from events order by 1 desc limit 1');
    expect(rows).toEqual([{ ordering_key: id }]);
  });

  it('says where it came from, and carries the loop counter on', async () => {
    const { id } = await create({ email: 'a@example.com' });
    await started();
    const change = (hops: string, firstName: string) =>
      request(app.url)
        .patch(`/api/v1/contacts/${id}`)
        .auth(app.apiKey, { type: 'bearer' })
        .set({ 'X-Change-Source': 'manychat_sync', 'x-posthaste-hops': hops })
        .send({ firstName });
    expect((await change('2', 'Ana')).status).toBe(200);
    const [told] = await received('/flowkick', 1);
    expect(told!.json.metadata).toMatchObject({ source: 'manychat_sync', action: 'updated' });
    expect(told!.headers['x-posthaste-hops']).toBe('3');
    const before = await eventCount();
    expect((await change('5', 'Bea')).status).toBe(200);
    expect(await eventCount()).toBe(before);
  });

  it('that is none is told to nobody', async () => {
    const { id } = await create({
      email: 'a@example.com',
      firstName: 'Ana',
      tags: ['vip'],
      customFields: { visit_count: 5 },
      optIns: { whatsapp: true },
      exportConsent: { given: true },
    });
    const before = await eventCount();
    await api.patch(`/api/v1/contacts/${id}`, {
      email: 'A@example.com',
      firstName: ' Ana ',
      lastName: null,
      tags: ['vip'],
      customFields: { visit_count: '5' },
      optIns: { whatsapp: true },
      exportConsent: { given: true },
    });
    await api.post(`/api/v1/contacts/${id}/tags/vip`, {}, 200);
    await api.delete(`/api/v1/contacts/${id}/tags/nosuch`);
    expect(await eventCount()).toBe(before);
  });

  it('that is refused half-way is told to nobody and leaves nothing', async () => {
    await create({ email: 'taken@example.com' });
    const { id } = await create({ email: 'a@example.com' });
    const before = await eventCount();
    await api.patch(`/api/v1/contacts/${id}`, { email: 'taken@example.com', tags: ['half-way'] }, 409);
    await api.post('/api/v1/contacts', { email: 'taken@example.com', tags: ['half-way'] }, 409);
    await api.patch(`/api/v1/contacts/${id}`, { firstName: 'x', customFields: { nosuch: 1 } }, 422);
    expect(await eventCount()).toBe(before);
    expect(await app.database.query("select 1 from tags where name = 'half-way'")).toEqual([]);
  });
});

describe('the payloads of the guides', () => {
  it('contact.created', async () => {
    await create({ first_name: undefined, firstName: 'John', lastName: 'Doe', email: crm['contact.created'].email });
    const [told] = await received('/crm', 1);
    expect(told!.json).toMatchObject({
      ...crm['contact.created'],
      contact_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('user.created, every field of it', async () => {
    const sample = flowkick['user.created'];
    const { user } = sample.data;
    const { id } = await create({ firstName: user.firstName, lastName: user.lastName, tags: ['vip'] });
    // What only happens in the course of time.
    await app.database.query(
      `update contacts set messages_count = 25, comments_count = 8, stories_count = 3, bookings_count = 3, qr_scans_count = 12,
         conversations_count = 2, last_booking_at = now(), interactions_updated_at = now() where id = $1`,
      [id],
    );
    await started();
    const fields = [
      'manychatId',
      'instagramUsername',
      'instagramId',
      'email',
      'phone',
      'whatsappPhone',
      'gender',
      'locale',
      'timezone',
      'profilePic',
    ];
    await request(app.url)
      .patch(`/api/v1/contacts/${id}`)
      .auth(app.apiKey, { type: 'bearer' })
      .set('X-Change-Source', sample.metadata.source)
      .send({
        ...Object.fromEntries(fields.map((field) => [field, user[field]])),
        optIns: user.optIns,
        exportConsent: user.exportConsent,
        customFields: user.customFields,
        subscribedAt: user.timestamps.subscribedAt,
        lastSyncedAt: user.stats.lastSynced,
      })
      .expect(200);
    // user.updated, and customfield.updated for each of the three.
    const told = await received('/flowkick', 4);
    const updated = told.find((one) => one.json.event === 'user.updated')!.json;
    const { changes, ...data } = updated.data;
    expect({ ...updated, data }).toEqual(
      asPrinted({ ...sample, event: 'user.updated', metadata: { ...sample.metadata, action: 'updated' } }, updated),
    );
    expect(updated.data.user.exportConsent.at).toBe(user.exportConsent.at);
    expect(Object.keys(changes)).toContain('phone');
    const field = told.find((one) => one.json.data.field?.name === 'visit_count')!.json;
    expect(field).toMatchObject({
      event: 'customfield.updated',
      data: { user: { id }, field: { id: expect.any(String), name: 'visit_count', old: null, new: '5' } },
    });
  });

  it('cliente.criado and cliente.excluido', async () => {
    const { data } = sistemaCrm['cliente.criado'];
    const { id } = await create({ firstName: 'João', lastName: 'Silva', email: data.email, phone: data.telefone });
    await api.delete(`/api/v1/contacts/${id}`);
    const [one, other] = (await received('/sistema', 2)).map((told) => told.json);
    const [made, gone] = one.event === 'cliente.criado' ? [one, other] : [other, one];
    expect(made).toEqual(asPrinted(sistemaCrm['cliente.criado'], made));
    expect(gone).toEqual(asPrinted(sistemaCrm['cliente.excluido'], gone));
    const deleted = (await received('/flowkick', 2)).find((told) => told.json.event === 'user.deleted');
    expect(deleted!.json).toMatchObject({ data: { user: { id, firstName: 'João' } }, metadata: { action: 'deleted' } });
  });

  it('tag.added and tag.removed', async () => {
    const { id } = await create({ email: 'a@example.com' });
    await started();
    await api.post(`/api/v1/contacts/${id}/tags/vip`, {}, 200);
    const [added] = await received('/flowkick', 1);
    expect(added!.json).toMatchObject({
      event: 'tag.added',
      data: {
        user: { id, tags: [{ name: 'vip' }] },
        tag: { id: expect.any(String), name: 'vip', appliedAt: expect.any(String) },
      },
      metadata: { source: 'api', action: 'added' },
    });
    await api.delete(`/api/v1/contacts/${id}/tags/vip`);
    const [, removed] = await received('/flowkick', 2);
    expect(removed!.json).toMatchObject({
      event: 'tag.removed',
      data: { user: { id, tags: [] }, tag: { name: 'vip' } },
    });
  });
});

describe('tags and custom fields', () => {
  it('of another name are told of every contact that has them', async () => {
    const { id } = await create({ email: 'a@example.com', tags: ['gold'], customFields: { favorite_drink: 'tea' } });
    await started();
    const tag = (await api.get('/api/v1/tags')).data.find((one: { name: string }) => one.name === 'gold');
    expect(await api.patch(`/api/v1/tags/${tag.id}`, { name: 'platinum' })).toMatchObject({
      id: tag.id,
      name: 'platinum',
    });
    const told = (await received('/flowkick', 2)).map((one) => [one.json.event, one.json.data.tag.name]);
    expect(told.sort()).toEqual([
      ['tag.added', 'platinum'],
      ['tag.removed', 'gold'],
    ]);
    const fields = (await api.get('/api/v1/custom-fields')).data;
    const drink = fields.find((one: { name: string }) => one.name === 'favorite_drink');
    await api.patch(`/api/v1/custom-fields/${drink.id}`, { name: 'drink', label: 'Drink' });
    expect(await api.get(`/api/v1/contacts/${id}`)).toMatchObject({
      tags: ['platinum'],
      customFields: { drink: 'tea' },
    });
    const changes = (await received('/flowkick', 4))
      .slice(2)
      .map(({ json }) => [json.data.field.name, json.data.field.new]);
    expect(changes.sort()).toEqual([
      ['drink', 'tea'],
      ['favorite_drink', null],
    ]);
    await api.patch(`/api/v1/custom-fields/${drink.id}`, { name: 'favorite_drink' });
  });

  it('that are deleted go from every contact, also from more than fit in one commit', async () => {
    const field = await api.post('/api/v1/custom-fields', { name: 'brief', type: 'boolean' }, 201);
    const tag = await api.post('/api/v1/tags', { name: 'brief' }, 201);
    await app.database.query(
      `insert into contacts (id, tenant_id, custom_fields, updated_at)
       select uuid_v7(), $1, '{"brief": true, "visit_count": 1}', now() from generate_series(1, 1200)`,
      [app.tenant.id],
    );
    await app.database.query('insert into contact_tags select tenant_id, id, $1, now() from contacts', [tag.id]);
    for (const [path, id] of [
      ['tags', tag.id],
      ['custom-fields', field.id],
    ] as const) {
      const job = (await api.delete(`/api/v1/${path}/${id}`, 202)) as { id: string };
      await api.get(`/api/v1/${path}/${id}`, 404);
      await eventually(async () => {
        expect(await api.get(`/api/v1/jobs/${job.id}`)).toMatchObject({ status: 'succeeded', done: 700, failed: 0 });
      }, 40_000);
    }
    await received('/flowkick', 2400);
    expect(await app.database.query('select 1 from contact_tags where tag_id = $1', [tag.id])).toEqual([]);
    expect(await app.database.query('select distinct custom_fields from contacts')).toEqual([
      { custom_fields: { visit_count: 1 } },
    ]);
    const last = await api.post('/api/v1/tags', { name: 'last' }, 201);
    await api.delete(`/api/v1/tags/${last.id}`, 204);
  });

  it.each([
    [{ name: 'x', type: 'colour' }, '/type'],
    [{ name: '9lives', type: 'text' }, '/name'],
    [{ name: 'constructor', type: 'text' }, '/name'],
    [{ name: 'size', type: 'choice' }, '/choices'],
    [{ name: 'size', type: 'text', choices: ['S'] }, '/choices'],
  ])('%j is no custom field', async (fields, pointer) => {
    expect((await api.post('/api/v1/custom-fields', fields, 422)).errors[0].pointer).toBe(pointer);
  });

  it('keep values as their types have them, and refuse others', async () => {
    const types = {
      text: ['tea', 5],
      number: ['12.5', 'twelve'],
      boolean: ['true', 'yes'],
      date: ['2025-01-31', '2025-02-30'],
      datetime: ['2025-01-31T10:00:00-03:00', '2025-01-31T10:00:00'],
      url: ['https://example.com/x', 'javascript:alert(1)'],
      choice: ['S', 'XXL'],
    };
    for (const type of Object.keys(types))
      await api.post(
        '/api/v1/custom-fields',
        { name: `a ${type}`, type, ...(type === 'choice' && { choices: ['S', 'M'] }) },
        201,
      );
    const of = (index: 0 | 1) =>
      Object.fromEntries(Object.entries(types).map(([type, values]) => [`a ${type}`, values[index]]));
    expect((await create({ customFields: of(0) })).customFields).toEqual({
      'a text': 'tea',
      'a number': 12.5,
      'a boolean': true,
      'a date': '2025-01-31',
      'a datetime': '2025-01-31T13:00:00.000Z',
      'a url': 'https://example.com/x',
      'a choice': 'S',
    });
    const problem = await api.post('/api/v1/contacts', { customFields: of(1) }, 422);
    expect(problem.errors).toHaveLength(6);
    await api.post('/api/v1/custom-fields', { name: 'a text', type: 'text' }, 409);
    await api.post('/api/v1/tags', { name: 'vip' }, 409);
  });
});
