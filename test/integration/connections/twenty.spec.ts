import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phoneOf, type TwentyClient } from '../../../src/connections/twenty-client.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TwentyServer } from '../../support/providers/twenty.js';
import { TestClock } from '../../support/test-clock.js';
import { check, clientsOf, connectTwenty, register } from './connections.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let twenty: TwentyServer;
let connection: { id: string };
let client: TwentyClient;

beforeAll(async () => {
  [app, twenty] = await Promise.all([startTestApp({ clock }), TwentyServer.start()]);
  twenty.now = () => clock.now();
  twenty.reach = app.url;
  api = Api.of(app);
  connection = await connectTwenty(api, twenty);
  client = (await clientsOf(app).twenty(app.tenant.id)) as TwentyClient;
});
afterAll(() => Promise.all([app.close(), twenty.close()]));

describe('contacts in Twenty', () => {
  it('are created with the number split as Twenty keeps it, found by e-mail in any case and by phone, and changed', async () => {
    const made = await client.createContact({
      firstName: 'Ana',
      lastName: 'Souza',
      email: 'ana_50%@example.com',
      phone: '+55 (11) 99999-0000',
      fields: { jobTitle: 'Engineer', favouriteColour: 'a field this workspace does not have' },
    });
    expect(twenty.people.at(-1)).toMatchObject({
      name: { firstName: 'Ana', lastName: 'Souza' },
      phones: { primaryPhoneNumber: '11999990000', primaryPhoneCallingCode: '+55' },
      jobTitle: 'Engineer',
    });
    expect(phoneOf(made)).toBe('+5511999990000');
    twenty.addPerson({ emails: { primaryEmail: 'anaX50Y@example.com' } });
    expect(await client.findContactByEmail('ANA_50%@example.com')).toMatchObject({ id: made.id });
    expect(await client.findContactByPhone('+5511999990000')).toMatchObject({ id: made.id });
    expect(await client.findContactByPhone('+15511999990')).toBeNull();

    const changed = await client.updateContact(made.id, { lastName: 'Lima' });
    expect(changed.name).toEqual({ firstName: 'Ana', lastName: 'Lima' });
    expect(await client.getContact('01a208ad-81aa-79ff-a137-7dea4536b8b7')).toBeNull();
  });

  it('are refused in words when the e-mail is taken', async () => {
    await client.createContact({ firstName: 'Bia', email: 'bia@example.com' });
    await expect(client.createContact({ firstName: 'B.', email: 'Bia@example.com' })).rejects.toMatchObject({
      failure: 'conflict',
      message:
        'Twenty CRM did not create the person: it is there already. It says: "A duplicate entry was detected" (200)',
    });
  });

  it('are listed page by page, and by what changed since a time, oldest change first', async () => {
    const since = clock.now();
    for (let i = 0; i < 65; i++) {
      clock.advance({ seconds: 1 });
      twenty.addPerson({ name: { firstName: `Patient ${i}`, lastName: '' } });
    }
    const first = await client.listChanged('person', new Date(since.getTime() + 1));
    expect(first.records).toHaveLength(60);
    expect(first.records[0]).toMatchObject({ name: { firstName: 'Patient 0' } });
    const second = await client.listChanged('person', new Date(since.getTime() + 1), first.next);
    expect(second.records.map(({ name }) => (name as { firstName: string }).firstName)).toEqual(
      [60, 61, 62, 63, 64].map((i) => `Patient ${i}`),
    );
    expect(second.next).toBeNull();
  });
});

describe('opportunities in Twenty', () => {
  it('are created and moved through the stages of the workspace, by value or label', async () => {
    const person = await client.createContact({ firstName: 'Caio', email: 'caio@example.com' });
    const closeDate = new Date('2026-03-05T12:00:00Z');
    const made = await client.createOpportunity({
      name: 'Implante',
      stage: 'MEETING_SCHEDULED',
      contactId: person.id,
      closeDate,
    });
    expect(made).toMatchObject({ stage: 'MEETING_SCHEDULED', pointOfContactId: person.id });
    expect(await client.updateOpportunityStage(made.id, 'cancelled')).toMatchObject({ stage: 'CANCELLED' });
    expect(await client.getOpportunity(made.id)).toMatchObject({
      stage: 'CANCELLED',
      closeDate: closeDate.toISOString(),
    });
  });

  it('are not created at a stage the workspace does not have, and the refusal lists those it has', async () => {
    await expect(client.createOpportunity({ name: 'x', stage: 'WON' })).rejects.toThrow(
      'This Twenty workspace has no stage "WON", only NEW, SCREENING, MEETING_SCHEDULED, MEETING, PROPOSAL, CUSTOMER, CANCELLED.',
    );
  });

  it('use the stage that the setting names, where the workspace calls it something else', async () => {
    const plain = await TwentyServer.start({ stages: ['NEW', 'MEETING', 'LOST'] });
    try {
      const settings = { stages: { MEETING_SCHEDULED: 'MEETING', CANCELLED: 'LOST' } };
      const own = await connectTwenty(api, plain, { settings });
      const other = clientsOf(app).of(await rowOf(own.id)).client as TwentyClient;
      expect(await other.createOpportunity({ name: 'x', stage: 'MEETING_SCHEDULED' })).toMatchObject({
        stage: 'MEETING',
      });
      expect(await check(api, own)).toMatchObject({ ok: true });
      await api.patch(`/api/v1/connections/${own.id}`, { settings: {} });
      const { ok, abilities } = await check(api, own);
      expect(ok).toBe(false);
      expect(abilities.find(({ name }: { name: string }) => name === 'stages').message).toContain(
        'This workspace has no stage MEETING_SCHEDULED and CANCELLED, only NEW, MEETING, LOST.',
      );
      await api.delete(`/api/v1/connections/${own.id}`);
    } finally {
      await plain.close();
    }
  });
});

it('asks only for fields the workspace has, and learns of a changed data model', async () => {
  twenty.remodel(([person]) => {
    const city = person?.fields.find(({ name }) => name === 'city');
    if (city) city.isActive = false;
  });
  await expect(client.listContacts()).rejects.toMatchObject({ failure: 'invalid' });
  clock.advance({ minutes: 11 });
  expect((await client.listContacts({ limit: 1 })).records).toHaveLength(1);
});

describe('a check of a Twenty connection', () => {
  it('says what works', async () => {
    expect(await check(api, connection)).toMatchObject({
      ok: true,
      abilities: [
        { name: 'credentials', ok: true },
        { name: 'contacts', ok: true },
        { name: 'opportunities', ok: true },
        { name: 'stages', ok: true },
        { name: 'webhooks', ok: true },
      ],
    });
  });

  it('names the permission that is missing', async () => {
    twenty.denied.add('webhooks').add('opportunities');
    const { ok, abilities } = await check(api, connection);
    twenty.denied.clear();
    expect(ok).toBe(false);
    const missing = abilities.filter((one: { ok: boolean }) => !one.ok);
    expect(missing.map(({ name }: { name: string }) => name)).toEqual(['opportunities', 'webhooks']);
    expect(missing[1].message).toContain('API keys & webhooks (API_KEYS_AND_WEBHOOKS) in the role of the API key');
  });

  it('stops at wrong credentials, and repeats them nowhere', async () => {
    const wrong = await connectTwenty(api, twenty, { credentials: { apiKey: 'not-the-key-of-twenty' } });
    const answer = await check(api, wrong);
    expect(answer).toMatchObject({
      ok: false,
      abilities: [
        {
          name: 'credentials',
          message:
            'Twenty CRM did not say which fields its objects have: it does not take the credentials. Are they right, and not revoked or expired? It says: "Token invalid." (401)',
        },
      ],
    });
    expect(JSON.stringify(answer)).not.toContain('not-the-key');
    await api.delete(`/api/v1/connections/${wrong.id}`);
  });
});

describe('webhooks at Twenty', () => {
  it('are registered once, however often that is asked, and what they tell is accepted', async () => {
    const first = await register(api, connection);
    expect(first).toMatchObject({ events: ['person.*', 'opportunity.*'], note: null });
    expect(await register(api, connection, { events: ['*.*'] })).toMatchObject({
      sourceId: first.sourceId,
      externalId: first.externalId,
      events: ['*.*'],
    });
    expect(twenty.webhooks).toHaveLength(1);
    expect((await api.get('/api/v1/sources?provider=twenty')).data).toHaveLength(1);

    const [sent] = await twenty.emit('person.created', twenty.people[0] as object);
    expect(sent?.answer).toMatchObject({ status: 200 });
    const { data } = await api.get('/api/v1/inbound-events?source=twenty');
    expect(data).toMatchObject([{ eventName: 'person.created', source: 'twenty' }]);
  });

  it('are registered anew when somebody deleted them there, or the source here', async () => {
    const before = (await api.get(`/api/v1/connections/${connection.id}`)).webhook;
    twenty.webhooks.length = 0;
    await register(api, connection);
    expect(twenty.webhooks).toHaveLength(1);
    await api.delete(`/api/v1/sources/${before.sourceId}`);
    const again = await register(api, connection);
    expect(again.sourceId).not.toBe(before.sourceId);
    expect(twenty.webhooks).toMatchObject([{ targetUrl: again.url }]);
    const [sent] = await twenty.emit('person.created', twenty.people[1] as object);
    expect(sent?.answer.status).toBe(200);
  });

  it('go when the connection is deleted, with their source', async () => {
    await api.delete(`/api/v1/connections/${connection.id}`);
    expect(twenty.webhooks).toEqual([]);
    expect((await api.get('/api/v1/sources?provider=twenty')).data).toEqual([]);
    expect(await clientsOf(app).twenty(app.tenant.id)).toBeNull();
  });
});

async function rowOf(id: string) {
  const row = await app.prisma.connection.findUniqueOrThrow({ where: { id }, include: { webhook: true } });
  return row;
}
