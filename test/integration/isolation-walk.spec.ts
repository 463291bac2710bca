import { readFile } from 'node:fs/promises';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { createTenant } from './tenants/tenancy.js';

/**
 * Walks every route of the API's description with another tenant's credential. A new route with an id in its path belongs to a
 * thing below, or this fails: nothing is left out by being forgotten.
 */
interface Operation {
  name: string;
  method: 'get' | 'post' | 'patch' | 'put' | 'delete';
  pattern: string;
  security: Record<string, string[]>[];
}

/** Marks everything that is ours, so that a list that shows any of it is caught. */
const MARK = 'of-the-first-tenant';
/** What no tenant has. */
const ABSENT = '01a208ad-81aa-79ff-a137-7dea4536b8b7';

let app: TestApp;
let receiver: Receiver;
let ours: Api;
let theirs: { api: Api; apiKey: string; id: string };

const description = JSON.parse(await readFile('docs/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, { security: Operation['security'] }>>;
};
const operations: Operation[] = Object.entries(description.paths).flatMap(([pattern, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    name: `${method.toUpperCase()} ${pattern}`,
    method: method as Operation['method'],
    pattern,
    security,
  })),
);
const ofTenants = ({ security }: Operation) => security.some((one) => 'bearer' in one);

/** One thing of ours for each path that names one: makes it and gives what stands in the path. */
const THINGS: Record<string, () => Promise<string>> = {
  '/api/v1/subscriptions/{id}': async () => (await subscription()).id,
  '/api/admin/webhooks/{id}': async () => (await subscription()).id,
  '/api/webhooks/subscriptions/{id}': async () => (await subscription()).id,
  '/api/v1/events/{id}': async () => (await event('quiet.thing')).id,
  '/api/v1/deliveries/{id}': delivery,
  '/api/v1/event-types/{name}': async () =>
    (await ours.post('/api/v1/event-types', { name: `walk.${MARK.replaceAll('-', '_')}` }, 201)).name,
  '/api/v1/api-keys/{id}': async () =>
    (await ours.post('/api/v1/api-keys', { name: MARK, scopes: ['events:read'] }, 201)).id,
  '/api/v1/members/{id}': async () =>
    (await ours.post('/api/v1/members', { email: `${MARK}@example.com`, role: 'viewer' }, 201)).id,
  '/api/v1/sources/{id}': async () => (await source()).id,
  '/api/v1/routes/{id}': async () =>
    (
      await ours.post(
        '/api/v1/routes',
        { name: MARK, sourceId: (await source()).id, action: { publish: { eventType: 'walk.routed' } } },
        201,
      )
    ).id,
  '/api/v1/connections/{id}': async () =>
    (
      await ours.post(
        '/api/v1/connections',
        { provider: 'calcom', name: MARK, baseUrl: receiver.url, credentials: { apiKey: MARK } },
        201,
      )
    ).id,
  '/api/v1/inbound-events/{id}': inboundEvent,
  '/api/v1/automation-tasks/{id}': automationTask,
  '/api/v1/automations/stages/{id}': async () =>
    (await ours.post('/api/v1/automations/stages', { stage: MARK, tag: MARK }, 201)).id,
  '/api/v1/message-templates/{id}': async () =>
    (await ours.post('/api/v1/message-templates', { name: MARK, language: 'en', text: MARK }, 201)).id,
  '/api/v1/jobs/{id}': async () =>
    (await ours.post('/api/v1/inbound-events/reprocess', { status: 'processed' }, 202)).id,
  '/api/v1/tools/{id}': async () => (await ours.post('/api/v1/tools', { name: MARK }, 201)).id,
  '/api/v1/bookings/{id}': booking,
  '/api/v1/qr-codes/{code}': async () => (await ours.post('/api/v1/qr-codes', { purpose: MARK }, 201)).code,
  '/api/v1/conversations/{id}': async () =>
    (await ours.post('/api/v1/conversations', { channel: 'webchat', title: MARK }, 201)).id,
  '/api/v1/deals/{id}': async () => (await ours.post('/api/v1/deals', { title: MARK }, 201)).id,
  '/api/v1/invoices/{id}': async () => (await ours.post('/api/v1/invoices', { number: MARK }, 201)).id,
  '/api/v1/exports/{id}': exported,
  '/api/v1/contacts/imports/{id}': imported,
  '/api/v1/outbox/{id}': outboxEntry,
  '/api/v1/contacts/{id}': contact,
  '/api/contacts/{id}': contact,
  '/api/admin/users/{id}': contact,
  '/api/v1/tags/{id}': async () => (await ours.post('/api/v1/tags', { name: MARK }, 201)).id,
  '/api/v1/custom-fields/{id}': async () =>
    (await ours.post('/api/v1/custom-fields', { name: MARK, type: 'text' }, 201)).id,
};

/** Bodies without which a request is refused before it is looked whose row it names. */
const BODIES: Record<string, object> = {
  'POST /api/v1/subscriptions/{id}/recover': { since: '2026-01-01T00:00:00Z' },
  'POST /api/v1/subscriptions/{id}/renew': { forSeconds: 3600 },
  'PATCH /api/v1/api-keys/{id}': { name: 'taken over' },
  'POST /api/v1/conversations/{id}/messages': { direction: 'sent' },
  'PATCH /api/v1/message-templates/{id}': { text: 'taken over' },
  'PATCH /api/v1/tags/{id}': { name: 'taken over' },
  'POST /api/v1/contacts/{id}/interactions': { kind: 'message' },
  'PUT /api/v1/contacts/{id}/consents/{purpose}': { given: true },
};

/** Paths that name no row of a tenant. */
const NO_ROWS = new Set(['POST /api/webhooks/{event_name}', 'POST /sync/webhooks/{provider}']);

beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  ours = Api.of(app);
  const { id, apiKey } = await createTenant(app, 'theirs');
  theirs = { api: new Api(app.url, apiKey), apiKey, id };
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

async function subscription(): Promise<{ id: string }> {
  return ours.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['walk.*'], name: MARK }, 201);
}

async function event(type: string): Promise<{ id: string }> {
  return ours.post('/api/v1/events', { type, data: { mark: MARK } }, 202);
}

async function delivery(): Promise<string> {
  await subscription();
  const { id } = await event('walk.thing');
  return eventually(async () => {
    const [first] = (await ours.get(`/api/v1/events/${id}`)).deliveries;
    expect(first.status).toBe('succeeded');
    return first.id as string;
  });
}

async function contact(): Promise<string> {
  return (await ours.post('/api/v1/contacts', { firstName: MARK }, 201)).id;
}

async function source(): Promise<{ id: string; url: string }> {
  return ours.post('/api/v1/sources', { provider: 'none', name: MARK }, 201);
}

async function booking(): Promise<string> {
  const contact = await ours.post('/api/v1/contacts', { firstName: MARK }, 201);
  const times = { startTime: '2030-01-01T10:00:00Z', endTime: '2030-01-01T11:00:00Z' };
  return (await ours.post('/api/v1/bookings', { contactId: contact.id, notes: MARK, ...times }, 201)).id;
}

async function inboundEvent(): Promise<string> {
  const { url } = await source();
  await request(app.url).post(new URL(url).pathname).send({ mark: MARK }).expect(200);
  return eventually(async () => {
    const [first] = (await ours.get('/api/v1/inbound-events?status=processed')).data;
    expect(first).toBeDefined();
    return first.id as string;
  });
}

async function automationTask(): Promise<string> {
  const [row] = await app.database.query<{ id: string }>(
    `insert into automation_tasks (id, tenant_id, kind, key, subject, payload, status, created_at)
     values (uuid_v7(), $1, 'walk', 'walk', $2, '{}', 'failed', now()) returning id`,
    [app.tenant.id, MARK],
  );
  return row!.id;
}

async function imported(): Promise<string> {
  const { body } = await request(app.url)
    .post('/api/v1/contacts/import?dryRun=true')
    .auth(app.apiKey, { type: 'bearer' })
    .set('content-type', 'text/csv')
    .send(`email,firstName\nwalk@example.com,${MARK}\n`)
    .expect(202);
  await eventually(async () =>
    expect((await ours.get(`/api/v1/contacts/imports/${body.id}`)).status).toBe('succeeded'),
  );
  return body.id;
}

/** One that was refused, and so stays. */
async function outboxEntry(): Promise<string> {
  await app.database.query(`select posthaste_emit($1, 'contact.created', '{"mark": "of-the-first-tenant"}'::jsonb)`, [
    app.tenant.slug,
  ]);
  return eventually(async () => {
    const [first] = (await ours.get('/api/v1/outbox?status=refused')).data;
    expect(first).toBeDefined();
    return first.id as string;
  });
}

async function exported(): Promise<string> {
  const { id } = await ours.post('/api/v1/exports', { resource: 'events', format: 'csv' }, 202);
  await eventually(async () => expect((await ours.get(`/api/v1/exports/${id}`)).status).toBe('succeeded'));
  return id;
}

const thingOf = ({ pattern }: Operation) =>
  // The longest: imports of contacts are no contacts.
  Object.keys(THINGS)
    .sort((a, b) => b.length - a.length)
    .find((path) => pattern === path || pattern.startsWith(`${path}/`));
const named = operations.filter(
  (operation) => ofTenants(operation) && operation.pattern.includes('{') && !NO_ROWS.has(operation.name),
);

describe('a route that names a row', () => {
  it('is known here, every one of them', () => {
    expect(named.filter((operation) => !thingOf(operation)).map(({ name }) => name)).toEqual([]);
  });

  it.each(Object.keys(THINGS))(
    '%s: answers for another tenant’s row as for none, and leaves it as it is',
    async (thing) => {
      const name = await (THINGS[thing] as () => Promise<string>)();
      const show = `${thing.replace(/\{\w+\}/, name)}`;
      const before = await ours.get(show);
      const wrong: string[] = [];
      for (const operation of named.filter((one) => thingOf(one) === thing)) {
        const ask = async (id: string) => {
          const path = operation.pattern
            .replace(/\{\w+\}/, id)
            .replace('{purpose}', 'export')
            .replaceAll(/\{\w+\}/g, ABSENT);
          const asked = request(app.url)[operation.method](path).auth(theirs.apiKey, { type: 'bearer' });
          const { status, body } = await (operation.method === 'get'
            ? asked
            : asked.send(BODIES[operation.name] ?? {}));
          return {
            status,
            code: body.code,
            detail: String(body.detail ?? JSON.stringify(body)).replaceAll(id, '<id>'),
          };
        };
        const [foreign, absent] = [await ask(name), await ask(thing.includes('{name}') ? 'walk.absent' : ABSENT)];
        if (foreign.status !== 404) wrong.push(`${operation.name}: ${foreign.status} ${foreign.detail}`);
        else if (foreign.detail !== absent.detail)
          wrong.push(`${operation.name}: ${foreign.detail} / ${absent.detail}`);
      }
      expect(wrong).toEqual([]);
      expect(await ours.get(show)).toEqual(before);
    },
  );
});

describe('a list', () => {
  const lists = operations.filter(
    (operation) => operation.method === 'get' && ofTenants(operation) && !operation.pattern.includes('{'),
  );

  it.each(lists)('$pattern shows nothing of another tenant', async ({ pattern }) => {
    const { status, text } = await request(app.url).get(pattern).auth(theirs.apiKey, { type: 'bearer' });
    expect(status, text).toBe(200);
    expect(text).not.toContain(MARK);
    expect(text).not.toContain(app.tenant.id);
  });
});

describe('the tenant-keyed path', () => {
  it('refuses a key together with another tenant’s id, as it refuses a tenant that does not exist', async () => {
    const send = (tenantId: string) =>
      request(app.url)
        .post('/api/webhooks/lead.captured')
        .set({ 'X-Tenant-ID': tenantId, 'X-API-Key': theirs.apiKey })
        .send({ email: 'a@example.com' });
    const [foreign, absent] = [await send(app.tenant.id), await send(ABSENT)];
    expect([foreign.status, foreign.body.detail]).toEqual([401, absent.body.detail]);
  });
});
