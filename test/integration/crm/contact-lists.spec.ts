import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTenant } from '../tenants/tenancy.js';

let app: TestApp;
let api: Api;
let tenantId: string;

/** Enough that both ways of finding contacts are taken: a few are gathered, many are met in the order of the page. */
const MANY = 12_000;

beforeAll(async () => {
  app = await startTestApp();
  const tenant = await createTenant(app, 'many');
  api = new Api(app.url, tenant.apiKey);
  tenantId = tenant.id;
  await api.post('/api/v1/custom-fields', { name: 'favorite_drink', type: 'text' }, 201);
  await api.post('/api/v1/custom-fields', { name: 'visit_count', type: 'number' }, 201);
  for (const name of ['vip', 'rare', 'unused']) await api.post('/api/v1/tags', { name }, 201);
  await app.database.query(
    `insert into contacts (id, tenant_id, email, first_name, last_name, custom_fields, opt_in_whatsapp, opt_in_telegram,
       export_consent_given, created_at, updated_at)
     select uuid_v7(), $1, 'n' || n || '@example.com', case when n % 10 < 9 then (array['Ana','João','john','Zoé'])[1 + n % 4] end,
       'L' || n, jsonb_build_object('favorite_drink', (array['latte','tea'])[1 + n % 2], 'visit_count', n % 1000),
       n % 3 = 0, n % 1000 = 0, n % 2 = 0, timestamptz '2025-01-01' + n * interval '10 minutes',
       timestamptz '2026-01-01' - n * interval '10 minutes'
     from generate_series(1, ${MANY}) n`,
    [tenantId],
  );
  await app.database.query(
    `insert into contact_tags select c.tenant_id, c.id, t.id, now() from contacts c join tags t on t.tenant_id = c.tenant_id
     where c.tenant_id = $1 and (t.name = 'vip' and c.opt_in_whatsapp or t.name = 'rare' and c.opt_in_telegram)`,
    [tenantId],
  );
});
afterAll(() => app.close());

const list = (query: string) => api.get(`/api/admin/users?${query}`);
/** What the same question asked in plain SQL answers. */
const expected = async (where: string, orderBy = 'created_at desc, id desc') =>
  (
    await app.database.query<{ id: string }>(
      `select id from contacts c where tenant_id = $1 and ${where} order by ${orderBy}`,
      [tenantId],
    )
  ).map((row) => row.id);
const ids = (answer: { users: { id: string }[] }) => answer.users.map((user) => user.id);

const tagged = (name: string) =>
  `exists (select 1 from contact_tags ct join tags t on t.id = ct.tag_id where ct.contact_id = c.id and t.name = '${name}')`;

const FILTERS: [query: string, where: string][] = [
  ['', 'true'],
  ['hasTag=vip', tagged('vip')],
  ['hasTag=rare', tagged('rare')],
  ['hasTag=unused', 'false'],
  ['hasTag=vip&hasTag=rare', `${tagged('vip')} and ${tagged('rare')}`],
  ['optedIn=whatsapp', 'opt_in_whatsapp'],
  ['optedIn=whatsapp&optedIn=telegram', 'opt_in_whatsapp and opt_in_telegram'],
  ['exportConsentOnly=true', 'export_consent_given'],
  ['exportConsentOnly=false', 'true'],
  ['createdAfter=2025-02-01', "created_at >= '2025-02-01Z'"],
  [
    'createdAfter=2025-02-01T12:30:00Z&createdBefore=2025-03-01',
    "created_at >= '2025-02-01T12:30Z' and created_at < '2025-03-01Z'",
  ],
  [
    'createdAfter=2025-02-01T12:30:00Z&createdBefore=2025-02-01T14:00:00Z',
    "created_at >= '2025-02-01T12:30Z' and created_at < '2025-02-01T14:00Z'",
  ],
  ['createdBefore=2025-01-02', "created_at < '2025-01-02Z'"],
  ['updatedAfter=2025-12-25', "updated_at >= '2025-12-25Z'"],
  ['updatedBefore=2025-12-25', "updated_at < '2025-12-25Z'"],
  ['customField[favorite_drink]=latte', `custom_fields @> '{"favorite_drink":"latte"}'`],
  ['customField[visit_count]=7', `custom_fields @> '{"visit_count":7}'`],
  [
    'customField[visit_count]=7&customField%5Bfavorite_drink%5D=tea',
    `custom_fields @> '{"visit_count":7,"favorite_drink":"tea"}'`,
  ],
  ['search=JOAO', "first_name = 'João'"],
  ['search=n11999', "email = 'n11999@example.com'"],
  ['search=joao+l77', "first_name = 'João' and last_name like 'L77%'"],
  ['search=zo', "first_name = 'Zoé'"],
  ['search=oe', 'false'],
  ['search=100%25', 'false'],
  ['search=n_1', 'false'],
  [
    'hasTag=vip&createdAfter=2025-02-01&search=ana',
    `${tagged('vip')} and created_at >= '2025-02-01Z' and first_name = 'Ana'`,
  ],
];

describe('every filter', () => {
  it.each(FILTERS)('%s finds those it means, in order, and counts them', async (query, where) => {
    const all = await expected(where);
    const answer = await list(`${query}&limit=200`);
    expect(ids(answer)).toEqual(all.slice(0, 200));
    expect(answer.pagination).toMatchObject({
      limit: 200,
      offset: 0,
      hasMore: all.length > 200,
      nextCursor: all.length > 200 ? all[199] : null,
    });
    if (answer.pagination.totalIsEstimate !== true) expect(answer.pagination.total).toBe(all.length);
    // Twenty times a hundred contacts were looked at.
    else expect(Math.abs(answer.pagination.total - all.length)).toBeLessThan(MANY * 0.1);

    const native = await api.get(`/api/v1/contacts?${query}&limit=200`);
    expect(native.data.map((contact: { id: string }) => contact.id)).toEqual(all.slice(0, 200));
  });

  it('estimates only what more than some thousand fit and nobody counts', async () => {
    const estimated: string[] = [];
    for (const [query] of FILTERS)
      if ((await list(`${query}&limit=1`)).pagination.totalIsEstimate) estimated.push(query);
    expect(estimated).toEqual(['customField[favorite_drink]=latte']);
  });
});

describe('every order', () => {
  const byName = (name: string, way: string) => `(${name} is null) ${way}, coalesce(${name}, '') ${way}, id ${way}`;
  it.each([
    ['createdAt', 'created_at asc, id asc', 'created_at desc, id desc'],
    ['updatedAt', 'updated_at asc, id asc', 'updated_at desc, id desc'],
    ['firstName', byName('first_name', 'asc'), byName('first_name', 'desc')],
    ['lastName', byName('last_name', 'asc'), byName('last_name', 'desc')],
  ])('%s pages through all of them, each once, by cursor and by offset, both ways', async (sortBy, asc, desc) => {
    for (const [sortOrder, orderBy] of [
      ['asc', asc],
      ['desc', desc],
    ] as const) {
      for (const filter of ['', '&hasTag=vip', '&hasTag=rare', '&search=zo']) {
        const where = FILTERS.find(([query]) => query === filter.slice(1))?.[1] as string;
        const all = await expected(where, orderBy);
        const walked: string[] = [];
        let cursor = '';
        do {
          const page = await list(`limit=1000&sortBy=${sortBy}&sortOrder=${sortOrder}${filter}${cursor}`);
          walked.push(...ids(page));
          expect(page.pagination.total).toBe(all.length);
          cursor = page.pagination.nextCursor ? `&cursor=${page.pagination.nextCursor}` : '';
        } while (cursor);
        expect(walked, `${filter} ${sortOrder}`).toEqual(all);
        const behind = await list(`limit=10&offset=5&sortBy=${sortBy}&sortOrder=${sortOrder}${filter}`);
        expect(ids(behind)).toEqual(all.slice(5, 15));
        expect(behind.pagination.offset).toBe(5);
      }
    }
  });

  it('pages through the native list, also when the contact a page ended with is deleted meanwhile', async () => {
    const first = await api.get('/api/v1/contacts?limit=3&hasTag=rare');
    const last = first.data.at(-1);
    const all = await expected(tagged('rare'));
    await api.delete(`/api/v1/contacts/${last.id}`);
    const rest = await api.get(`/api/v1/contacts?limit=200&hasTag=rare&cursor=${first.nextCursor}`);
    expect(rest.data.map((contact: { id: string }) => contact.id)).toEqual(all.slice(3));
    expect(rest.nextCursor).toBeNull();
  });
});

describe('bad questions', () => {
  it.each([
    ['limit=5000', '/limit'],
    ['limit=0', '/limit'],
    ['limit=ten', '/limit'],
    ['offset=-1', '/offset'],
    ['sortBy=email', '/sortBy'],
    ['sortOrder=up', '/sortOrder'],
    ['cursor=clx123...', '/cursor'],
    ['cursor=01a208ad-81aa-79ff-a137-7dea4536b8b7', '?cursor'],
    ['cursor=01a208ad-81aa-79ff-a137-7dea4536b8b7&offset=10', '?cursor'],
    ['hasTag=nosuch', '?hasTag'],
    ['hasTag=vip&hasTag=nosuch', '?hasTag'],
    ['createdAfter=yesterday', '?createdAfter'],
    ['createdBefore=2025-13-01', '?createdBefore'],
    ['updatedAfter=2025-02-30', '?updatedAfter'],
    ['createdAfter=2025-01-01T10:00:00', '?createdAfter'],
    ['customField[nosuch]=x', '?customField[nosuch]'],
    ['customField[visit_count]=many', '?customField[visit_count]'],
    ['customField=x', '/customField'],
    ['optedIn=fax', '?optedIn'],
    ['exportConsentOnly=perhaps', '/exportConsentOnly'],
    ['includeBookings=1', '/includeBookings'],
    ['search=x&search=y', '/search'],
    ['tag=vip', '/tag'],
  ])('%s is refused with a pointer', async (query, pointer) => {
    const problem = await api.get(`/api/admin/users?${query}`, 422);
    expect(problem.errors).toEqual([expect.objectContaining({ pointer })]);
  });

  it('says all that is wrong with one question', async () => {
    const problem = await api.get('/api/admin/users?hasTag=no&optedIn=fax&createdAfter=x&customField[y]=1', 422);
    expect(problem.errors).toHaveLength(4);
    await api.get('/api/v1/contacts?cursor=nonsense', 422);
  });
});

describe('counts', () => {
  it('stay right while contacts come, change and go at once', async () => {
    const total = async (query: string) => (await list(`limit=1&${query}`)).pagination.total as number;
    const before = { all: await total(''), vip: await total('hasTag=vip'), telegram: await total('optedIn=telegram') };
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        api.post('/api/v1/contacts', { tags: n % 2 ? ['vip'] : [], optIns: { telegram: n % 4 === 0 } }, 201),
      ),
    );
    await Promise.all(made.slice(0, 10).map(({ id }) => api.delete(`/api/v1/contacts/${id}`)));
    await Promise.all(
      made
        .slice(10, 20)
        .map(({ id }) => api.patch(`/api/v1/contacts/${id}`, { tags: ['vip'], optIns: { telegram: false } })),
    );
    await app.database.query('select fold_contact_counts($1)', [tenantId]);
    expect(await total('')).toBe(before.all + 30);
    expect(await total('hasTag=vip')).toBe(before.vip + 10 + 10);
    expect(await total('optedIn=telegram')).toBe(before.telegram + 5);
    const kept = await app.database.query(
      `select facet, key, sum(delta)::int as n from contact_counts where tenant_id = $1 and facet <> 'tag' group by 1, 2 having sum(delta) <> 0 order by 1, 2`,
      [tenantId],
    );
    const counted = await app.database.query(
      `select x.facet, x.key, count(*)::int as n from contacts c, contact_facets(c) x where c.tenant_id = $1 group by 1, 2 order by 1, 2`,
      [tenantId],
    );
    expect(kept).toEqual(counted);
  });
});
