import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTenant } from '../tenants/tenancy.js';

let app: TestApp;
let api: Api;
let theirs: Api;
beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
  theirs = new Api(app.url, (await createTenant(app, 'theirs')).apiKey);
  await api.patch('/api/v1/tenant', { settings: { defaultCountry: 'BR' } });
  await api.post('/api/v1/custom-fields', { name: 'favorite_drink', type: 'text' }, 201);
  await api.post('/api/v1/custom-fields', { name: 'visit_count', type: 'number' }, 201);
});
afterAll(() => app.close());

let made = 0;
const create = (fields: object = {}) =>
  api.post('/api/v1/contacts', { email: `nobody${++made}@example.com`, ...fields }, 201);

describe('a contact', () => {
  it('is kept with everything that is said of it, and shown again', async () => {
    const contact = await create({
      email: 'John@Example.com',
      firstName: 'John',
      lastName: 'Doe',
      phone: '+1234567890',
      whatsappPhone: '(11) 99999-9999',
      gender: 'male',
      locale: 'en_US',
      timezone: 'America/New_York',
      profilePic: 'https://...',
      manychatId: '1234567890',
      instagramUsername: 'johndoe',
      externalId: 'crm-1',
      source: 'website',
      subscribedAt: '2025-10-01T10:00:00Z',
      optIns: { messenger: true },
      exportConsent: { given: true, source: 'website_form' },
      tags: ['vip', 'lead'],
      customFields: { favorite_drink: 'Cappuccino', visit_count: '5' },
      attributes: { utm_campaign: 'summer' },
    });
    expect(contact).toMatchObject({
      email: 'john@example.com',
      fullName: 'John Doe',
      phone: '+1234567890',
      whatsappPhone: '+5511999999999',
      optIns: { messenger: true, instagram: false, whatsapp: false, telegram: false },
      exportConsent: { given: true, at: expect.any(String) },
      customFields: { favorite_drink: 'Cappuccino', visit_count: 5 },
      attributes: { utm_campaign: 'summer' },
      interactions: { totalCount: 0 },
      subscribedAt: '2025-10-01T10:00:00.000Z',
    });
    expect([...contact.tags].sort()).toEqual(['lead', 'vip']);
    expect(await api.get(`/api/v1/contacts/${contact.id}`)).toEqual(contact);
    const consents = (await api.get(`/api/v1/contacts/${contact.id}/consents`)).data;
    expect(consents).toHaveLength(2);
    expect(consents).toContainEqual(
      expect.objectContaining({ purpose: 'export', given: true, source: 'website_form', actorId: expect.any(String) }),
    );
    expect(consents).toContainEqual(expect.objectContaining({ purpose: 'messenger', given: true, source: 'api' }));
  });

  it('keeps what a change does not name, and loses what it sets to null', async () => {
    const { id } = await create({
      firstName: 'Ana',
      lastName: 'Souza',
      tags: ['a', 'b'],
      customFields: { visit_count: 1 },
    });
    const changed = await api.patch(`/api/v1/contacts/${id}`, {
      lastName: null,
      tags: ['b', 'c'],
      customFields: { favorite_drink: 'tea' },
    });
    expect(changed).toMatchObject({
      firstName: 'Ana',
      lastName: null,
      customFields: { visit_count: 1, favorite_drink: 'tea' },
    });
    expect([...changed.tags].sort()).toEqual(['b', 'c']);
    expect((await api.patch(`/api/v1/contacts/${id}`, { customFields: { visit_count: null } })).customFields).toEqual({
      favorite_drink: 'tea',
    });
    const same = await api.patch(`/api/v1/contacts/${id}`, { firstName: 'Ana', tags: ['c', 'b'] });
    expect(same.updatedAt).toBe((await api.get(`/api/v1/contacts/${id}`)).updatedAt);
  });

  it('withdraws its consent with the time, and every word of it stays on record', async () => {
    const { id } = await create({ exportConsent: { given: true, at: '2025-01-01T00:00:00Z' } });
    const withdrawn = await api.patch(`/api/v1/contacts/${id}`, { exportConsent: { given: false } });
    expect(withdrawn.exportConsent).toMatchObject({ given: false });
    const { data } = await api.get(`/api/v1/contacts/${id}/consents`);
    expect(data.map((consent: { given: boolean }) => consent.given)).toEqual([false, true]);
    expect(data[1].at).toBe('2025-01-01T00:00:00.000Z');
  });

  it.each(['email', 'externalId', 'manychatId'])('is the only one with its %s', async (field) => {
    const value = field === 'email' ? 'Only@example.com' : `only-${field}`;
    const { id } = await create({ [field]: value });
    const problem = await api.post(
      '/api/v1/contacts',
      { [field]: field === 'email' ? 'ONLY@example.com' : value },
      409,
    );
    expect(problem).toMatchObject({ code: 'conflict', detail: expect.stringContaining(id) });
    const other = await create();
    expect((await api.patch(`/api/v1/contacts/${other.id}`, { [field]: value }, 409)).detail).toContain(id);
    await theirs.post('/api/v1/contacts', { [field]: value }, 201);
  });

  it('of many made at once with one address is made once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        request(app.url)
          .post('/api/v1/contacts')
          .auth(app.apiKey, { type: 'bearer' })
          .send({ email: 'race@example.com' }),
      ),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('loses none of two changes made at the same time', async () => {
    const { id } = await create();
    await Promise.all(Array.from({ length: 10 }, (_, n) => api.post(`/api/v1/contacts/${id}/tags/tag-${n}`, {}, 200)));
    await Promise.all(
      Array.from({ length: 10 }, () => api.post(`/api/v1/contacts/${id}/interactions`, { kind: 'comment' }, 201)),
    );
    const contact = await api.get(`/api/v1/contacts/${id}`);
    expect(contact.tags).toHaveLength(10);
    expect(contact.interactions.commentsCount).toBe(10);
  });

  it('is made once for an Idempotency-Key', async () => {
    const body = { email: 'once@example.com' };
    const first = await api.post('/api/v1/contacts', body, 201, { 'Idempotency-Key': 'contact-1' });
    expect(await api.post('/api/v1/contacts', body, 201, { 'Idempotency-Key': 'contact-1' })).toEqual(first);
  });

  it('is gone with all that is nothing without it', async () => {
    const { id } = await create({ tags: ['vip'], exportConsent: { given: true } });
    await api.post(`/api/v1/contacts/${id}/interactions`, { kind: 'story' }, 201);
    await api.delete(`/api/v1/contacts/${id}`);
    await api.get(`/api/v1/contacts/${id}`, 404);
    for (const table of ['contact_tags', 'interactions', 'contact_consents'])
      expect(await app.database.query(`select 1 from ${table} where contact_id = $1`, [id]), table).toEqual([]);
  });

  it('has its changes in the audit log, by name and without values', async () => {
    const { id } = await create();
    await api.patch(`/api/v1/contacts/${id}`, { firstName: 'Secretive' });
    const { data } = await api.get('/api/v1/audit-log');
    const entries = data.filter((entry: { target: { id: string } }) => entry.target.id === id);
    expect(entries.map((entry: { action: string }) => entry.action)).toEqual(['contact.updated', 'contact.created']);
    expect(JSON.stringify(entries)).not.toContain('Secretive');
  });
});

describe('interactions', () => {
  it('are counted by kind and listed newest first', async () => {
    const { id } = await create();
    for (const kind of ['message', 'message', 'comment', 'story'])
      await api.post(`/api/v1/contacts/${id}/interactions`, { kind, channel: 'instagram', text: kind }, 201);
    expect((await api.get(`/api/v1/contacts/${id}`)).interactions).toMatchObject({
      messagesCount: 2,
      commentsCount: 1,
      storiesCount: 1,
      totalCount: 4,
    });
    const first = await api.get(`/api/v1/contacts/${id}/interactions?limit=3`);
    expect(first.data.map((one: { kind: string }) => one.kind)).toEqual(['story', 'comment', 'message']);
    const rest = await api.get(`/api/v1/contacts/${id}/interactions?cursor=${first.nextCursor}`);
    expect(rest).toMatchObject({ data: [{ kind: 'message' }], nextCursor: null });
    expect((await api.post(`/api/v1/contacts/${id}/interactions`, { kind: 'like' }, 422)).errors[0].pointer).toBe(
      '/kind',
    );
  });
});

describe('bad input', () => {
  it.each([
    [{ email: 'nobody' }, '/email', 'ana@example.com'],
    [{ phone: 'abc' }, '/phone', 'telephone number'],
    [{ phone: '+1 555' }, '/phone', '+5511999999999'],
    [{ phone: '12' }, '/phone', 'BR'],
    [{ locale: 'Brazilian!' }, '/locale', 'pt-BR'],
    [{ timezone: 'Mars/Phobos' }, '/timezone', 'America/Sao_Paulo'],
    [{ profilePic: 'javascript:alert(1)' }, '/profilePic', 'https'],
    [{ subscribedAt: 'yesterday' }, '/subscribedAt', 'zone'],
    [{ firstName: 'a\u0000b' }, '/firstName', 'NUL'],
    [{ attributes: { a: 'b\u0000' } }, '/attributes', 'NUL'],
    [{ tags: ['ok', ' '] }, '/tags/1', 'characters'],
    [{ optIns: { fax: true } }, '/optIns/fax', 'should not exist'],
    [{ exportConsent: { given: 'yes' } }, '/exportConsent/given', 'boolean'],
    [{ customFields: { favourite_drink: 'tea' } }, '/customFields/favourite_drink', 'POST /api/v1/custom-fields'],
    [{ customFields: { visit_count: 'many' } }, '/customFields/visit_count', 'a number such as'],
    [{ customFields: { __proto__x: 1 } }, '/customFields/__proto__x', 'no custom field'],
    [{ colour: 'red' }, '/colour', 'should not exist'],
  ])('%j is refused with a pointer and what to do', async (fields, pointer, words) => {
    const problem = await api.post('/api/v1/contacts', fields, 422);
    expect(problem.errors).toEqual([expect.objectContaining({ pointer })]);
    expect(problem.errors[0].detail).toContain(words);
  });

  it('names everything that is wrong at once', async () => {
    const problem = await api.post('/api/v1/contacts', { email: 'x', phone: 'y', locale: '!' }, 422);
    expect(problem.errors.map((error: { pointer: string }) => error.pointer)).toEqual(['/email', '/phone', '/locale']);
  });

  it('tells a tenant without a country to set one', async () => {
    expect((await theirs.post('/api/v1/contacts', { phone: '(11) 99999-9999' }, 422)).detail).toContain(
      'defaultCountry',
    );
    await theirs.post('/api/v1/contacts', { phone: '+55 (11) 99999-9999' }, 201);
  });

  it.each(['has spaces', 'x'.repeat(65)])('X-Change-Source "%s" is refused', async (source) => {
    const problem = await api.post('/api/v1/contacts', {}, 422, { 'X-Change-Source': source });
    expect(problem.errors[0].pointer).toBe('header X-Change-Source');
  });
});

describe('another tenant', () => {
  it('finds none of it', async () => {
    const { id } = await create({ tags: ['vip'] });
    const [field] = (await api.get('/api/v1/custom-fields')).data;
    const [tag] = (await api.get('/api/v1/tags')).data;
    for (const path of [
      `contacts/${id}`,
      `contacts/${id}/interactions`,
      `contacts/${id}/consents`,
      `tags/${tag.id}`,
      `custom-fields/${field.id}`,
    ])
      await theirs.get(`/api/v1/${path}`, 404);
    await theirs.get(`/api/contacts/${id}`, 404);
    await theirs.get(`/api/admin/users/${id}`, 404);
    await theirs.patch(`/api/v1/contacts/${id}`, { firstName: 'x' }, 404);
    await theirs.patch(`/api/contacts/${id}`, { first_name: 'x' }, 404);
    await theirs.delete(`/api/v1/contacts/${id}`, 404);
    await theirs.post(`/api/v1/contacts/${id}/tags/x`, {}, 404);
    await theirs.delete(`/api/v1/contacts/${id}/tags/vip`, 404);
    await theirs.post(`/api/v1/contacts/${id}/interactions`, { kind: 'message' }, 404);
    await theirs.patch(`/api/v1/tags/${tag.id}`, { name: 'x' }, 404);
    await theirs.delete(`/api/v1/custom-fields/${field.id}`, 404);
    expect((await theirs.get(`/api/admin/users?cursor=${id}`, 422)).errors[0].pointer).toBe('?cursor');
    expect((await theirs.get('/api/v1/contacts?hasTag=vip', 422)).errors[0].pointer).toBe('?hasTag');
  });

  it('that has no such row is told the same as of an id that is none', async () => {
    for (const id of ['01a208ad-81aa-79ff-a137-7dea4536b8b7', 'nonsense']) await api.get(`/api/v1/contacts/${id}`, 404);
  });
});
