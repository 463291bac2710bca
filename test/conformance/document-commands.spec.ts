import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const printed = readFileSync(new URL('documents/curl-commands.md', import.meta.url), 'utf8');
const [, command = ''] = /```bash\n([\s\S]*?)```/.exec(printed) ?? [];
const [, usersPath = ''] = /GET (\/api\/admin\/users\S+)/.exec(printed) ?? [];

let app: TestApp;
let receiver: Receiver;
let api: Api;
beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  api = Api.of(app);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

/** A command as it is printed, with the credential and the address of this server in their places. */
const run = async (text: string) => {
  const there = text.replaceAll('http://localhost:8001', app.url).replaceAll('YOUR_TOKEN', app.apiKey);
  const { stdout } = await promisify(execFile)('bash', ['-c', `${there.trim()} -s -w '\\n%{http_code}'`]);
  const [, body = '', status] = /^([\s\S]*)\n(\d+)$/.exec(stdout) ?? [];
  return { status: Number(status), body: JSON.parse(body) };
};

it('the CRM guide’s command makes a contact, and the webhook it speaks of comes', async () => {
  await api.post('/api/webhooks/subscriptions', { event_name: 'contact.created', target_url: receiver.url }, 201);
  const { status, body } = await run(command);
  expect(status).toBe(201);
  expect(body).toMatchObject({
    id: expect.any(String),
    tenant_id: app.tenant.id,
    first_name: 'John',
    last_name: 'Doe',
    email: 'john@example.com',
    created_at: expect.any(String),
    updated_at: expect.any(String),
  });
  await eventually(() => expect(receiver.requests).toHaveLength(1));
  expect(JSON.parse(receiver.requests[0]!.body)).toMatchObject({ contact_id: body.id, email: 'john@example.com' });
  expect(await api.get(`/api/contacts/${body.id}`)).toEqual(body);
  expect((await run(command)).status).toBe(409);
});

it('the CRM dialect lists, finds, changes and deletes what it made', async () => {
  const first = await api.post(
    '/api/contacts',
    { first_name: 'Ana', email: 'ana@example.com', phone: '+5511999999999' },
    201,
  );
  await api.post('/api/contacts', { first_name: 'Bea' }, 201);
  expect((await api.get('/api/contacts?search=ANA')).map((one: { id: string }) => one.id)).toEqual([first.id]);
  const page = await request(app.url).get('/api/contacts?limit=1').auth(app.apiKey, { type: 'bearer' });
  expect(page.body).toMatchObject([{ first_name: 'Bea' }]);
  expect(await api.get(`/api/contacts?limit=1&cursor=${page.headers['x-next-cursor']}`)).toMatchObject([
    { first_name: 'Ana' },
  ]);
  const changed = await api.patch(`/api/contacts/${first.id}`, { phone: null, last_name: 'Souza' });
  expect(changed).toMatchObject({ first_name: 'Ana', last_name: 'Souza', phone: null });
  const problem = await api.patch(`/api/contacts/${first.id}`, { custom_fields: { nosuch: 1 }, first_name: 'x' }, 422);
  expect(problem.errors[0].pointer).toBe('/custom_fields/nosuch');
  await api.delete(`/api/contacts/${first.id}`);
  await api.get(`/api/contacts/${first.id}`, 404);
});

it('the FlowKick guide’s request finds users, with the answer it shows', async () => {
  await api.post('/api/v1/custom-fields', { name: 'favorite_drink', type: 'text' }, 201);
  const user = await api.post(
    '/api/v1/contacts',
    { firstName: 'Johnny', tags: ['vip'], customFields: { favorite_drink: 'latte' }, optIns: { whatsapp: true } },
    201,
  );
  await api.post(`/api/v1/contacts/${user.id}/interactions`, { kind: 'message', text: 'Hi' }, 201);
  const [tool, booking, qrCode] = ['10', '20', '30'].map((n) => `01a208ad-81aa-79ff-a137-7dea4536b8${n}`);
  await app.database.query(`insert into tools (id, tenant_id, name, updated_at) values ($1, $2, 'Table', now())`, [
    tool,
    app.tenant.id,
  ]);
  await app.database.query(
    `insert into bookings (id, tenant_id, contact_id, tool_id, start_time, end_time, updated_at) values ($1, $2, $3, $4, now(), now(), now())`,
    [booking, app.tenant.id, user.id, tool],
  );
  await app.database.query(
    `insert into qr_codes (id, tenant_id, code, contact_id, updated_at) values ($1, $2, 'QR-1', $3, now())`,
    [qrCode, app.tenant.id, user.id],
  );
  const me = await api.get('/api/auth/me');
  const get = (path: string) =>
    request(app.url).get(path).set({ 'X-Admin-ID': me.id }).auth(app.apiKey, { type: 'bearer' });
  const { status, body } = await get(usersPath);
  expect(status).toBe(200);
  expect(body).toMatchObject({ success: true, users: [{ id: user.id, fullName: 'Johnny', tags: [{ name: 'vip' }] }] });
  expect(body.pagination).toEqual({ total: 1, limit: 50, offset: 0, hasMore: false, nextCursor: null });
  const all = await get(
    '/api/admin/users?limit=50&createdAfter=2025-01-01&createdBefore=2999-01-01&updatedAfter=2025-01-01&hasTag=vip' +
      '&customField[favorite_drink]=latte&optedIn=whatsapp&search=john&sortBy=firstName&sortOrder=asc&exportConsentOnly=false' +
      '&includeBookings=true&includeQRCodes=true&includeInteractions=true',
  );
  expect(all.body.users).toMatchObject([
    {
      id: user.id,
      bookings: [{ id: booking, tool: { id: tool, name: 'Table' }, status: 'pending' }],
      qrCodes: [{ code: 'QR-1', scanCount: 0 }],
      interactionHistory: [{ kind: 'message', text: 'Hi' }],
    },
  ]);
  const shown = await get(`/api/admin/users/${user.id}?includeBookings=true`);
  expect(shown.body).toMatchObject({ success: true, user: { id: user.id, bookings: [{ id: booking }] } });
  expect(shown.body.user.qrCodes).toBeUndefined();
});
