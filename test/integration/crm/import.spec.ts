import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../../src/core/ids.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { PROCESS_API_KEY, startServer } from '../../support/server-process.js';
import { createKey, createTenant } from '../tenants/tenancy.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  const config = { RELAY_INTERVAL_MS: '20', IMPORT_LIMIT_BYTES: String(3 * 1024 * 1024) };
  [app, receiver] = await Promise.all([startTestApp({ config }), startReceiver()]);
  api = Api.of(app);
  await api.post('/api/v1/custom-fields', { name: 'favorite_drink', type: 'text' }, 201);
  await api.post('/api/v1/custom-fields', { name: 'visits', type: 'number' }, 201);
  await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['user.*'] }, 201);
});
beforeEach(async () => {
  await app.database.query(
    'delete from contact_tags; delete from contacts; delete from deliveries; delete from events',
  );
  receiver.requests.length = 0;
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

const send = (body: string | Buffer, query: object = {}, contentType = 'text/csv') =>
  request(app.url)
    .post('/api/v1/contacts/import')
    .query(query)
    .auth(app.apiKey, { type: 'bearer' })
    .set('content-type', contentType)
    .send(body);

const ended = (id: string) =>
  eventually(async () => {
    const view = await api.get(`/api/v1/contacts/imports/${id}`);
    expect(view.finishedAt, JSON.stringify(view)).not.toBeNull();
    return view;
  }, 30_000);

async function imported(body: string | Buffer, query: object = {}, contentType = 'text/csv') {
  const answer = await send(body, query, contentType);
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return ended(answer.body.id);
}
const errorsOf = async (id: string) => (await api.get(`/api/v1/contacts/imports/${id}/errors`)).data;
const contact = (email: string) => app.prisma.contact.findFirst({ where: { tenantId: app.tenant.id, email } });
const count = () => app.prisma.contact.count({ where: { tenantId: app.tenant.id } });
const staged = () => app.database.query('select 1 from contact_import_rows');

async function refused(
  body: string | Buffer,
  query: object,
  words: string | RegExp,
  status = 422,
  contentType = 'text/csv',
) {
  const answer = await send(body, query, contentType);
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  expect(answer.body.detail).toMatch(words);
  expect(await staged()).toEqual([]);
  expect(await count()).toBe(0);
}

const PEOPLE = [
  'E-mail;First name;last_name;phone;tags;customField.favorite_drink;custom_field.visits;Opt In Whatsapp;exportConsent;Notes',
  'ada@example.com;Ada;Lovelace;+5511999990001;vip, math;Cappuccino;5;yes;true;=1+1',
  'grace@example.com;Grace;"Hopper; Admiral";;;;;;;',
  'not an address;Bad;;;;;many;;;',
  'alan@example.com;Alan;Turing;12;;;;;;',
  'joan@example.com;Joan;Clarke;;;;many;perhaps;;',
  'joan@example.com;"=cmd|\'/C calc\'!A0";Clarke;;;;;;;',
].join('\r\n');
const MAPPING = { mapping: JSON.stringify({ 'E-mail': 'email' }) };

describe('an import', () => {
  it('makes and changes contacts of a CSV file, and says of every other row what is wrong with which field', async () => {
    await api.post('/api/v1/contacts', { email: 'grace@example.com', firstName: 'G', tags: ['kept'] }, 201);
    const view = await imported(PEOPLE, MAPPING);
    expect(view).toMatchObject({
      status: 'succeeded',
      format: 'csv',
      columns: {
        'E-mail': 'email',
        'First name': 'firstName',
        'custom_field.visits': 'customField.visits',
        'Opt In Whatsapp': 'optInWhatsapp',
      },
      ignoredColumns: ['Notes'],
      rows: 6,
      done: 6,
      created: 2,
      updated: 1,
      unchanged: 0,
      skipped: 0,
      failed: 3,
    });
    expect(await contact('ada@example.com')).toMatchObject({
      firstName: 'Ada',
      phone: '+5511999990001',
      optInWhatsapp: true,
      exportConsentGiven: true,
      customFields: { favorite_drink: 'Cappuccino', visits: 5 },
    });
    expect(await contact('grace@example.com')).toMatchObject({ firstName: 'Grace', lastName: 'Hopper; Admiral' });
    // What a spreadsheet would run is a name like any other here.
    expect(await contact('joan@example.com')).toMatchObject({ firstName: "=cmd|'/C calc'!A0" });
    const { data } = await api.get('/api/v1/contacts?hasTag=vip');
    expect(data[0].tags.sort()).toEqual(['math', 'vip']);
    expect(
      (await errorsOf(view.id)).map(({ line, field }: { line: number; field: string }) => `${line} ${field}`),
    ).toEqual(['4 email', '5 phone', '6 optInWhatsapp']);
    expect((await errorsOf(view.id))[0].message).toContain('"not an address" must be an e-mail address');
    expect(await staged()).toEqual([]);
    const log = await api.get('/api/v1/audit-log?action=import.created&limit=1');
    expect(log.data).toMatchObject([{ target: { id: view.id } }]);
  });

  it('done again changes nothing and tells nothing', async () => {
    await imported(PEOPLE, MAPPING);
    await eventually(() => expect(receiver.requests).toHaveLength(3));
    expect(await imported(PEOPLE, MAPPING)).toMatchObject({ created: 0, updated: 0, unchanged: 3, failed: 3 });
    expect((await api.get('/api/v1/events?type=user.updated')).data).toEqual([]);
  });

  it('tells subscribers with "import" as the source, or nobody when it is silent', async () => {
    await imported('email,firstName\nquiet@example.com,Q\n', { silent: true });
    await imported('email,firstName\ntold@example.com,T\n');
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const told = JSON.parse(receiver.requests[0]!.body);
    expect(told).toMatchObject({ event: 'user.created', metadata: { source: 'import', action: 'created' } });
    expect(told.data.user.email).toBe('told@example.com');
    expect(await count()).toBe(2);
  });

  it('as a dry run writes and tells nothing, and has the summary and the errors that the import then has', async () => {
    await api.post('/api/v1/contacts', { email: 'grace@example.com', tags: ['kept'] }, 201);
    const rows = Array.from(
      { length: 250 },
      (_, n) => `person${n % 240}@example.com;P;${n};;new-tag;;${n === 7 ? 'x' : n};;;`,
    );
    const file = [PEOPLE, ...rows].join('\r\n');
    const dry = await imported(file, { ...MAPPING, dryRun: true });
    expect(await count()).toBe(1);
    expect((await api.get('/api/v1/tags')).data.map(({ name }: { name: string }) => name)).not.toContain('new-tag');
    expect((await api.get('/api/v1/events?type=user.updated')).data).toEqual([]);
    const real = await imported(file, MAPPING);
    const summary = ({ rows, created, updated, unchanged, skipped, failed }: Record<string, number>) => ({
      rows,
      created,
      updated,
      unchanged,
      skipped,
      failed,
    });
    expect(summary(dry)).toEqual(summary(real));
    expect(summary(real)).toMatchObject({ rows: 256, created: 242, updated: 10, failed: 4 });
    expect(await errorsOf(dry.id)).toEqual(await errorsOf(real.id));
  });

  it('finds contacts by e-mail, phone or external id, and can leave those alone that are there', async () => {
    await api.post(
      '/api/v1/contacts',
      { email: 'a@example.com', phone: '+5511999990001', externalId: 'x-1', firstName: 'Old' },
      201,
    );
    const row = 'externalId,phone,firstName\nx-1,+55 11 99999-0001,New\n';
    expect(await imported(row, { matchBy: 'externalId', onMatch: 'skip' })).toMatchObject({ skipped: 1, updated: 0 });
    expect(await contact('a@example.com')).toMatchObject({ firstName: 'Old' });
    expect(await imported(row, { matchBy: 'phone' })).toMatchObject({ updated: 1 });
    expect(await contact('a@example.com')).toMatchObject({ firstName: 'New' });
    const taken = await imported('externalId,email\nx-2,a@example.com\n,b@example.com\n', { matchBy: 'externalId' });
    expect(taken).toMatchObject({ failed: 2, created: 0 });
    expect(await errorsOf(taken.id)).toMatchObject([
      { line: 3, field: 'externalId', message: 'is empty: contacts are found by it.' },
      { line: 2, field: 'email', message: expect.stringContaining('has the e-mail address "a@example.com" already') },
    ]);
  });

  it('takes a JSON object on each line, a JSON array, and a form with a file and its options', async () => {
    const lines = [
      '{"email":"one@example.com","customFields":{"visits":3},"tags":["a","b"],"optIns":{"telegram":true}}',
      'no json',
      '[1]',
      '{"email":"two@example.com","firstName":{"deep":1}}',
      '',
      '{"Mail":"three@example.com"}',
    ].join('\n');
    const mapping = JSON.stringify({ Mail: 'email' });
    const view = await imported(lines, { mapping }, 'application/x-ndjson');
    expect(view).toMatchObject({ rows: 5, created: 2, failed: 3 });
    expect((await errorsOf(view.id)).map((one: { line: number }) => one.line)).toEqual([2, 3, 4]);
    expect(await contact('one@example.com')).toMatchObject({ customFields: { visits: 3 }, optInTelegram: true });
    expect(await imported(JSON.stringify([{ email: 'four@example.com' }]), {}, 'application/json')).toMatchObject({
      created: 1,
    });

    const { body } = await request(app.url)
      .post('/api/v1/contacts/import')
      .auth(app.apiKey, { type: 'bearer' })
      .field('matchBy', 'phone')
      .field('dryRun', 'true')
      .attach('file', Buffer.from('phone|firstName\n+5511999990009|Form\n'), {
        filename: 'people.csv',
        contentType: 'text/csv',
      })
      .expect(202);
    expect(await ended(body.id)).toMatchObject({ dryRun: true, matchBy: 'phone', created: 1 });
    const bad = request(app.url).post('/api/v1/contacts/import').auth(app.apiKey, { type: 'bearer' });
    expect((await bad.field('matchBy', 'mood').attach('file', Buffer.from('a\n'), 'a.csv')).status).toBe(422);
  });

  it('reads byte order marks and the encodings that spreadsheets write', async () => {
    const file = (name: string) => `email;firstName\n${name}@example.com;João\n`;
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(file('utf16'), 'utf16le')]);
    await imported(Buffer.from(`\ufeff${file('bom')}`));
    await imported(utf16);
    await imported(Buffer.from(file('latin'), 'latin1'), { encoding: 'windows-1252' });
    for (const name of ['bom', 'utf16', 'latin'])
      expect(await contact(`${name}@example.com`)).toMatchObject({ firstName: 'João' });
    await app.database.query('delete from contacts');
    await refused(
      Buffer.from(file('latin'), 'latin1'),
      {},
      'The file is not utf-8. Save it as UTF-8, or say what it is with encoding=',
    );
  });

  it('gives the errors page by page, and as CSV that no spreadsheet runs', async () => {
    const view = await imported(`email\n${['=1+1', '@x', 'c'].join('\n')}\n`);
    const first = await api.get(`/api/v1/contacts/imports/${view.id}/errors?limit=2`);
    expect(first.data).toHaveLength(2);
    const rest = await api.get(`/api/v1/contacts/imports/${view.id}/errors?limit=2&cursor=${first.nextCursor}`);
    expect(rest).toMatchObject({ data: [{ line: 4 }], nextCursor: null });
    const { text, headers } = await request(app.url)
      .get(`/api/v1/contacts/imports/${view.id}/errors?format=csv`)
      .auth(app.apiKey, { type: 'bearer' });
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(text.split('\n')).toHaveLength(5);
    expect(text).toMatch(/^line,field,message\n2,email,"""=1\+1"" must be/);
  });

  it('is shown to its tenant alone, and needs data:write', async () => {
    const view = await imported('email\nmine@example.com\n');
    const theirs = new Api(app.url, (await createTenant(app, 'import-theirs')).apiKey);
    await theirs.get(`/api/v1/contacts/imports/${view.id}`, 404);
    await theirs.get(`/api/v1/contacts/imports/${view.id}/errors`, 404);
    expect((await theirs.get('/api/v1/contacts/imports')).data).toEqual([]);
    expect((await api.get('/api/v1/contacts/imports?limit=1')).data).toMatchObject([
      { id: view.id, status: 'succeeded' },
    ]);
    await api.get(`/api/v1/contacts/imports/${newId()}`, 404);
    const reader = await createKey(app, app.apiKey, ['data:read']);
    await request(app.url)
      .post('/api/v1/contacts/import')
      .auth(reader.key, { type: 'bearer' })
      .set('content-type', 'text/csv')
      .send('email\na@b.co\n')
      .expect(403);
  });
});

describe('a file that cannot be taken leaves nothing, and the answer says why', () => {
  const good = Array.from({ length: 1200 }, (_, n) => `person${n}@example.com,${n}`).join('\n');

  it.each([
    [
      'a quote that is never closed',
      `email,firstName\n${good}\n"open@example.com,x\n${good}`,
      {},
      'A quote is never closed: its row goes on to the end of the file in line 2402.',
    ],
    [
      'a quote inside of a cell',
      `email,firstName\n${good}\nx@example.com,a"b"\n`,
      {},
      /near line 1202: a quote stands inside of a cell/,
    ],
    [
      'a cell without end',
      `email,firstName\n${good}\nx@example.com,${'x'.repeat(300_000)}\n`,
      {},
      /near line 1202 has more than 262144 characters/,
    ],
    [
      '200,000 columns',
      `email,${Array.from({ length: 200_000 }, (_, n) => `c${n}`).join(',')}\n`,
      {},
      /has more than 262144 characters/,
    ],
    [
      'too many columns',
      `email,${Array.from({ length: 600 }, (_, n) => `c${n}`).join(',')}\n`,
      {},
      'has 601 columns; it may have 500',
    ],
    [
      'bytes that are no text',
      Buffer.concat([Buffer.from(`email\n${good}\n`), Buffer.from([0, 1, 2])]),
      {},
      'The file has NUL bytes',
    ],
    [
      'another encoding',
      Buffer.concat([Buffer.from(`email\n${good}\n`), Buffer.from([0xe3, 0x28])]),
      {},
      'is not utf-8',
    ],
    ['nothing', '', {}, 'The file is empty'],
    ['a header alone', 'email\n', {}, 'The file has no rows'],
    ['no column to find contacts by', 'name\nx\n', {}, 'No column is taken for email'],
    ['a column named twice', 'email,email\na,b\n', {}, 'Two columns are called "email"'],
    ['two columns for one field', 'email,E-mail\na,b\n', {}, 'Two columns are taken for email'],
    ['an unknown custom field', 'email,customField.nope\na,b\n', {}, 'There is no custom field "nope"'],
    [
      'a mapping to no field',
      'email,x\na,b\n',
      { mapping: '{"x":"y","z":"email"}' },
      /There is no column "z".*"y" is not a field/,
    ],
    ['a mapping that is none', 'email\na\n', { mapping: 'x' }, 'mapping must be a JSON object'],
    ['an unknown option', 'email\na\n', { force: true }, 'force'],
  ])('%s', async (_what, body, query, words) => {
    await refused(body, query, words);
  });

  it('JSON that is none, a type that is none, and a form without a file', async () => {
    await refused('{"email":', {}, 'The body is not JSON', 422, 'application/json');
    await refused('{"email":"a@example.com"}', {}, 'Send a JSON array', 422, 'application/json');
    await refused('x', {}, '"image/png" cannot be imported', 415, 'image/png');
    await refused('--x--\r\n', {}, /form/, 422, 'multipart/form-data; boundary=x');
    await refused('--x--\r\n', {}, /form/, 422, 'multipart/form-data');
  });

  it('more bytes than the installation allows', async () => {
    const body = `email,firstName\n${Array.from({ length: 80_000 }, (_, n) => `person${n}@example.com,somebody with a name`).join('\n')}`;
    await refused(body, {}, 'more than 3145728 bytes', 413);
  });

  it('rows with more or fewer cells than columns are errors of their own', async () => {
    const view = await imported('email,firstName\nshort@example.com\nlong@example.com,a,b\nfine@example.com,a\n');
    expect(view).toMatchObject({ created: 1, failed: 2 });
    expect(await errorsOf(view.id)).toMatchObject([
      { line: 2, field: '', message: 'The row has 1 cells, the header has 2.' },
      { line: 3, field: '', message: 'The row has 3 cells, the header has 2.' },
    ]);
  });
});

it('a worker that is killed has done no row twice and leaves none out: another one goes on', async () => {
  const database = await createTestDatabase();
  const env = { DATABASE_URL: database.url, DELIVERY_LEASE_S: '2', RELAY_INTERVAL_MS: '20' };
  const server = await startServer({ ...env, ROLES: 'api' });
  const doomed = await startServer({ ...env, ROLES: 'worker' });
  let other: Awaited<ReturnType<typeof startServer>> | undefined;
  try {
    const processes = new Api(server.url, PROCESS_API_KEY);
    await processes.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['contact.created'] }, 201);
    const rows = Array.from({ length: 1500 }, (_, n) => `person${n}@example.com,${n}`).join('\n');
    const { body } = await request(server.url)
      .post('/api/v1/contacts/import')
      .auth(PROCESS_API_KEY, { type: 'bearer' })
      .set('content-type', 'text/csv')
      .send(`email,firstName\n${rows}`)
      .expect(202);
    const view = () => processes.get(`/api/v1/contacts/imports/${body.id}`);
    await eventually(async () => expect((await view()).done).toBeGreaterThan(0), 30_000);
    await doomed.kill();
    expect((await view()).done).toBeLessThan(1500);
    other = await startServer({ ...env, ROLES: 'worker' });
    const done = await eventually(async () => {
      const now = await view();
      expect(now.status).toBe('succeeded');
      return now;
    }, 120_000);
    expect(done).toMatchObject({ rows: 1500, created: 1500, updated: 0, unchanged: 0, failed: 0 });
    const [events] = await database.query<{ n: number }>(
      `select count(*)::int as n from events where type = 'contact.created'`,
    );
    expect(events?.n).toBe(1500);
  } finally {
    await Promise.all([server.kill(), doomed.kill(), other?.kill()]);
    await database.drop();
  }
}, 180_000);
