import { createHash } from 'node:crypto';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ContactViewStore } from '../../../src/crm/contact-view.store.js';
import { flowkickUser } from '../../../src/crm/flowkick-user.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { as, createKey, createTenant, logIn } from '../tenants/tenancy.js';
import { actsOn, defineCustomField, insertContact, insertTag } from './contacts.js';

const CSV = '/api/admin/export/users/csv';
const JSON_ = '/api/admin/export/users/json';

let app: TestApp;
let ada: string;
let bob: string;
beforeAll(async () => {
  app = await startTestApp();
  const { database, tenant } = app;
  await defineCustomField(database, tenant.id, 'favorite_drink');
  await defineCustomField(database, tenant.id, 'visit_count', 'number');
  ada = await insertContact(database, tenant.id, {
    email: 'ada@example.com',
    first_name: 'Ada',
    last_name: 'Lovelace',
    phone: '+1234567890',
    manychat_id: '1234567890',
    instagram_username: 'ada',
    opt_in_messenger: true,
    export_consent_given: true,
    export_consent_at: '2025-11-06T10:00:00Z',
    custom_fields: JSON.stringify({ favorite_drink: 'Cappuccino', visit_count: 5, on: true, nothing: null }),
    messages_count: 25,
    comments_count: 8,
    stories_count: 3,
    created_at: '2025-10-01T10:00:00Z',
  });
  bob = await insertContact(database, tenant.id, {
    email: 'bob@example.com',
    first_name: '=HYPERLINK("http://evil.example")',
    last_name: 'Quote " and, comma\nand line',
    opt_in_whatsapp: true,
    custom_fields: JSON.stringify({ favorite_drink: '-2+3' }),
    created_at: '2024-06-01T10:00:00Z',
  });
  await insertTag(database, tenant.id, 'vip', [ada]);
  await insertTag(database, tenant.id, 'eu', [ada, bob]);
  const other = await createTenant(app, 'neighbour');
  await insertContact(database, other.id, { email: 'theirs@example.com' });
});
afterAll(() => app.close());

const get = (path: string, key = app.apiKey) => request(app.url).get(path).auth(key, { type: 'bearer' }).buffer(true);
/** A line of CSV as cells; the cells of these tests hold no line ends but one. */
const cells = (line: string) =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = '']) => cell).slice(0, -1);
const records = (csv: string) => csv.match(/(?:"(?:[^"]|"")*"|[^"\r])+(?=\r\n)/g) ?? [];
function table(csv: string): Record<string, string>[] {
  const [header = '', ...lines] = records(csv).map((line) => line.replace(/^\r?\n/, ''));
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(cells(`${line},`).map((cell, i) => [names[i], cell])));
}
const emails = async (query: string) => table((await get(`${CSV}?${query}`).expect(200)).text).map((row) => row.email);

it('sends contacts as a CSV file with flat columns, tags joined and a column for each custom field', async () => {
  const { headers, text } = await get(CSV).expect(200);
  expect(headers['content-type']).toContain('text/csv');
  expect(headers['content-disposition']).toMatch(/^attachment; filename="users-\d{8}T\d{6}Z\.csv"$/);
  expect(text.split('\r\n', 1)[0]).toBe(
    'id,manychatId,instagramUsername,instagramId,firstName,lastName,fullName,email,phone,whatsappPhone,gender,locale,timezone,' +
      'profilePic,optInMessenger,optInInstagram,optInWhatsapp,optInTelegram,exportConsentGiven,exportConsentAt,tags,' +
      'customFields.favorite_drink,customFields.visit_count,messagesCount,commentsCount,storiesCount,totalCount,lastUpdated,' +
      'bookingsCount,qrScansCount,conversationsCount,lastBooking,lastSynced,subscribedAt,createdAt,updatedAt',
  );
  const [first, second, ...more] = table(text);
  expect(more).toEqual([]);
  expect(first).toMatchObject({
    id: ada,
    fullName: 'Ada Lovelace',
    email: 'ada@example.com',
    phone: '+1234567890',
    optInMessenger: 'true',
    optInTelegram: 'false',
    exportConsentAt: '2025-11-06T10:00:00.000Z',
    tags: '"eu,vip"',
    'customFields.favorite_drink': 'Cappuccino',
    'customFields.visit_count': '5',
    totalCount: '36',
    createdAt: '2025-10-01T10:00:00.000Z',
    gender: '',
  });
  expect(second).toMatchObject({ lastName: '"Quote "" and, comma\nand line"' });
});

it('neutralises what a spreadsheet would run, and leaves telephone numbers as they are', async () => {
  const [first, second] = table((await get(CSV).expect(200)).text);
  expect(second?.firstName).toBe('"\'=HYPERLINK(""http://evil.example"")"');
  expect(second?.['customFields.favorite_drink']).toBe("'-2+3");
  expect(first?.phone).toBe('+1234567890');
  const { body } = await get(JSON_).expect(200);
  expect(body.users[1].firstName).toBe('=HYPERLINK("http://evil.example")');
});

it('begins with a byte order mark when asked to, and without one otherwise', async () => {
  const bytes = async (query: string) => {
    const answer = await fetch(`${app.url}${CSV}?${query}`, { headers: { 'x-api-key': app.apiKey } });
    return Buffer.from(await answer.arrayBuffer());
  };
  expect((await bytes('bom=true')).subarray(0, 5).toString('latin1')).toBe('\xef\xbb\xbfid');
  expect((await bytes('limit=1')).subarray(0, 2).toString('latin1')).toBe('id');
});

it('filters by every parameter of the guide', async () => {
  expect(await emails('')).toEqual(['ada@example.com', 'bob@example.com']);
  expect(await emails('createdAfter=2025-01-01')).toEqual(['ada@example.com']);
  expect(await emails('createdBefore=2025-01-01')).toEqual(['bob@example.com']);
  expect(await emails('updatedAfter=2999-01-01')).toEqual([]);
  expect(await emails('hasTag=vip')).toEqual(['ada@example.com']);
  expect(await emails('hasTag=vip&hasTag=eu')).toEqual(['ada@example.com']);
  expect(await emails('optedIn=whatsapp')).toEqual(['bob@example.com']);
  expect(await emails('search=LOVELACE')).toEqual(['ada@example.com']);
  expect(await emails('exportConsentOnly=true')).toEqual(['ada@example.com']);
  expect(await emails('exportConsentOnly=false')).toHaveLength(2);
  expect(await emails('customField[visit_count]=5')).toEqual(['ada@example.com']);
  expect(await emails('customField%5Bfavorite_drink%5D=-2%2B3')).toEqual(['bob@example.com']);
  expect(await emails('limit=1')).toEqual(['ada@example.com']);
  expect(await emails('createdAfter=2025-01-01&hasTag=vip&exportConsentOnly=true')).toEqual(['ada@example.com']);
});

it('has the columns that `fields` names, in that order', async () => {
  const { text } = await get(`${CSV}?fields=email,customFields.visit_count,optIns&limit=1`).expect(200);
  expect(text).toBe(
    'email,customFields.visit_count,optInMessenger,optInInstagram,optInWhatsapp,optInTelegram\r\n' +
      'ada@example.com,5,true,false,false,false\r\n',
  );
  const { body } = await get(`${JSON_}?fields=email,optIns,tags&limit=1`).expect(200);
  expect(body.users).toEqual([
    {
      email: 'ada@example.com',
      optIns: { messenger: true, instagram: false, whatsapp: false, telegram: false },
      tags: expect.any(Array),
    },
  ]);
});

it('sends JSON whose users are those of the events, key by key and in the same order', async () => {
  const { body, headers } = await get(JSON_).expect(200);
  expect(headers['content-disposition']).toMatch(/^attachment; filename="users-.*\.json"$/);
  expect(body).toMatchObject({ success: true, exportId: headers['x-export-id'], filters: {}, count: 2 });
  const views = app.app.get(ContactViewStore, { strict: false });
  for (const [i, id] of [ada, bob].entries()) {
    const contact = await app.prisma.inTransaction((tx) => views.find(tx, app.tenant.id, id));
    expect(JSON.stringify(body.users[i])).toBe(JSON.stringify(flowkickUser(contact!)));
  }
  expect(body.users[0]).not.toHaveProperty('bookings');
});

it('sends with each user what belongs to them when it is asked for', async () => {
  const { database, tenant } = app;
  const id = (n: number) => `01a208ad-81aa-79ff-a137-7dea4536b8b${n}`;
  const at = '2025-11-05T14:30:00Z';
  await database.query('insert into tools (id, tenant_id, name, updated_at) values ($1, $2, $3, now())', [
    id(0),
    tenant.id,
    'Table',
  ]);
  await database.query(
    `insert into bookings (id, tenant_id, contact_id, tool_id, start_time, end_time, status, updated_at)
     values ($1, $2, $3, $4, $5, $5, 'confirmed', now())`,
    [id(1), tenant.id, ada, id(0), at],
  );
  await database.query(
    `insert into qr_codes (id, tenant_id, code, contact_id, scanned_at, scan_count, updated_at) values ($1, $2, 'QR-1', $3, $4, 1, now())`,
    [id(2), tenant.id, ada, at],
  );
  await database.query(
    `insert into interactions (id, tenant_id, contact_id, kind, text, occurred_at) values ($1, $2, $3, 'comment', 'Nice', $4)`,
    [id(3), tenant.id, ada, at],
  );
  await database.query(
    `insert into conversations (id, tenant_id, contact_id, channel, updated_at) values ($1, $2, $3, 'ai', now())`,
    [id(4), tenant.id, ada],
  );
  await database.query(
    `insert into messages (id, tenant_id, conversation_id, direction, author, text, sent_at) values ($1, $2, $3, 'received', 'contact', $4, $5)`,
    [id(5), tenant.id, id(4), 'two\nlines', at],
  );
  const include = 'includeBookings=true&includeQRCodes=true&includeInteractions=true&includeConversations=true';
  const { body } = await get(`${JSON_}?${include}`).expect(200);
  const iso = '2025-11-05T14:30:00.000Z';
  expect(body.users[0]).toMatchObject({
    id: ada,
    bookings: [{ id: id(1), tool: { id: id(0), name: 'Table' }, startTime: iso, status: 'confirmed', notes: null }],
    qrCodes: [{ code: 'QR-1', scanCount: 1, scannedAt: iso, validatedAt: null }],
    interactionHistory: [{ kind: 'comment', text: 'Nice', occurredAt: iso }],
    interactions: { messagesCount: 25, totalCount: 36 },
    conversations: [
      { channel: 'ai', messages: [{ direction: 'received', author: 'contact', text: 'two\nlines', sentAt: iso }] },
    ],
  });
  expect(body.users[1]).toMatchObject({ bookings: [], qrCodes: [], interactionHistory: [], conversations: [] });
});

it('sends a whole file also when nobody matches', async () => {
  expect(table((await get(`${CSV}?createdAfter=2999-01-01`).expect(200)).text)).toEqual([]);
  expect((await get(`${JSON_}?createdAfter=2999-01-01`).expect(200)).body).toMatchObject({ users: [], count: 0 });
});

it.each([
  ['createdAfter=yesterday', '?createdAfter'],
  ['hasTag=unknown', '?hasTag'],
  ['optedIn=fax', '?optedIn'],
  ['customField[unknown]=1', '?customField[unknown]'],
  ['fields=email,nope', '?fields'],
  ['exportConsentOnly=maybe', '/exportConsentOnly'],
  ['limit=0', '/limit'],
  ['colour=red', '/colour'],
])('refuses ?%s with a pointer, and records nothing', async (query, pointer) => {
  const before = await app.database.query('select count(*)::int as n from exports');
  const { body } = await get(`${CSV}?${query}`).expect(422);
  expect(body.errors[0].pointer).toBe(pointer);
  expect(await app.database.query('select count(*)::int as n from exports')).toEqual(before);
});

it('needs the scope of exports and that of the data', async () => {
  const owner = await logIn(app, app.owner);
  const with_ = async (...scopes: string[]) => (await createKey(app, owner, scopes)).key;
  expect((await get(CSV, await with_('exports:read')).expect(403)).body.detail).toContain('data:read');
  expect((await get(CSV, await with_('data:read')).expect(403)).body.detail).toContain('exports:read');
  await get(CSV, await with_('exports:read', 'data:read')).expect(200);
});

it('another tenant gets its own contacts and no others, and sees no record of ours', async () => {
  const other = await createTenant(app, 'other');
  await insertContact(app.database, other.id, { email: 'only@other.example' });
  expect(table((await get(CSV, other.apiKey).expect(200)).text).map((row) => row.email)).toEqual([
    'only@other.example',
  ]);
  const ours = await get(CSV).expect(200);
  await as(app, other.apiKey).get(`/api/v1/exports/${ours.headers['x-export-id']}`).expect(404);
});

it('a HEAD request tells what a GET would send, and exports nothing', async () => {
  const count = async () => (await app.database.query<{ n: number }>('select count(*)::int as n from exports'))[0]?.n;
  const before = await count();
  const answer = await fetch(app.url + CSV, { method: 'HEAD', headers: { 'x-api-key': app.apiKey } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/csv')]);
  expect(await count()).toBe(before);
});

it('the record says who, what and when, and has the hash of exactly the bytes that were sent', async () => {
  const api = Api.of(app);
  const me = await api.get('/api/auth/me');
  const answer = await fetch(`${app.url}${CSV}?hasTag=eu&fields=email,phone`, {
    headers: { 'x-api-key': app.apiKey, 'x-admin-id': me.id },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const id = answer.headers.get('x-export-id');
  const shown = await eventually(async () => {
    const record = await api.get(`/api/v1/exports/${id}`);
    expect(record.status).toBe('succeeded');
    return record;
  });
  expect(shown).toMatchObject({
    kind: 'stream',
    resource: 'contacts',
    format: 'csv',
    fields: ['email', 'phone'],
    filters: { hasTag: ['eu'] },
    by: { kind: 'api-key', id: me.id },
    adminId: me.id,
    ip: '127.0.0.1',
    rows: 2,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    error: null,
    fileUrl: null,
  });
  await eventually(async () => {
    const acts = await actsOn(api, id as string);
    expect(acts.map(({ action }) => action)).toEqual(['export.succeeded', 'export.started']);
    expect(acts[0]?.details).toMatchObject({ rows: 2, bytes: bytes.length, sha256: shown.sha256 });
  });
});
