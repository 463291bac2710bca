import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { Clinic } from './clinic.js';

let clinic: Clinic;
beforeAll(async () => {
  // Not by itself, but where a test says so.
  const settings = { reconcileEveryMinutes: 0 };
  clinic = await Clinic.open({ twenty: settings, chatwoot: settings, calcom: settings });
});
afterAll(() => clinic.close());

const finished = (id: string) =>
  eventually(async () => {
    const job = await clinic.api.get(`/api/v1/jobs/${id}`);
    expect(job.status, JSON.stringify(job)).toBe('succeeded');
    return job;
  }, 60_000);
const reconcile = async (provider: 'twenty' | 'chatwoot' | 'calcom', input: object = {}) => {
  const job = await clinic.api.post(`/api/v1/connections/${clinic.connections[provider]}/reconcile`, input, 202);
  const { result } = await finished(job.id);
  await clinic.settled();
  return result;
};
const addPerson = (name: string) =>
  clinic.twenty.addPerson({
    name: { firstName: name, lastName: '' },
    emails: { primaryEmail: `${name.toLowerCase()}@example.com` },
    phones: { primaryPhoneNumber: null, primaryPhoneCallingCode: null },
  });

describe('reconciliation', () => {
  it('processes what Twenty told nobody, page by page, and leaves what it had told', async () => {
    const { twenty, chatwoot } = clinic;
    clinic.clock.advance({ minutes: 5 });
    await twenty.emit('person.created', addPerson('Told'));
    await clinic.settled();
    for (let i = 0; i < 70; i++) addPerson(`Lost${i}`);
    twenty.addOpportunity({ name: 'Implante', stage: 'NEW', pointOfContactId: twenty.people[1]!.id });
    const report = await reconcile('twenty');
    expect(report).toMatchObject({ seen: 72, missed: 71, failed: 0 });
    expect(report.processed + report.waiting).toBe(71);
    expect(chatwoot.contacts).toHaveLength(71);
    expect((await clinic.api.get('/api/v1/deals')).data).toMatchObject([{ title: 'Implante', stage: 'new' }]);
    expect(await reconcile('twenty', { since: '2026-01-01T00:00:00Z' })).toMatchObject({
      seen: 72,
      missed: 0,
      processed: 0,
    });
  });

  it('begins where the last one ended', async () => {
    clinic.clock.advance({ hours: 1 });
    await reconcile('twenty');
    clinic.clock.advance({ hours: 1 });
    addPerson('Later');
    const result = await reconcile('twenty');
    expect(result).toMatchObject({ seen: 1, missed: 1, processed: 1 });
    const state = await clinic.api.get(`/api/v1/connections/${clinic.connections.twenty}/reconciliation`);
    expect(new Date(state.since).getTime()).toBeLessThanOrEqual(clinic.clock.now().getTime());
  });

  it('finds contacts and messages of Chatwoot that no webhook told, and tells of them once', async () => {
    const { chatwoot, twenty } = clinic;
    clinic.clock.advance({ hours: 1 });
    const contact = chatwoot.addContact({ name: 'Sem Aviso', email: 'aviso@example.com' });
    const conversation = chatwoot.addConversation(contact.id);
    const webhooks = chatwoot.webhooks.splice(0);
    await chatwoot.receive(conversation, 'Alguém aí?');
    chatwoot.webhooks.push(...webhooks);
    Object.assign(conversation, { last_activity_at: Math.floor(clinic.clock.now().getTime() / 1000) });
    const result = await reconcile('chatwoot');
    expect(result.failed).toBe(0);
    expect(twenty.people.filter(({ emails }) => emails.primaryEmail === 'aviso@example.com')).toHaveLength(1);
    const { data } = await clinic.api.get(`/api/v1/conversations?externalId=chatwoot:${conversation.id}`);
    const { data: messages } = await clinic.api.get(`/api/v1/conversations/${data[0].id}/messages`);
    expect(messages).toMatchObject([{ text: 'Alguém aí?', direction: 'received', author: 'contact' }]);
    const again = await reconcile('chatwoot', { since: '2026-01-01T00:00:00Z' });
    expect(again).toMatchObject({ missed: 0 });
  });

  it('finds bookings of Cal.com, moved and cancelled ones too', async () => {
    const { calcom } = clinic;
    clinic.clock.advance({ hours: 1 });
    const attendees = [{ name: 'Teo', email: 'teo@example.com', timeZone: 'UTC', phoneNumber: null }];
    const first = calcom.addBooking({ start: '2026-03-05T13:00:00.000Z', attendees });
    await calcom.emit('BOOKING_CREATED', first);
    await clinic.settled();
    clinic.clock.advance({ minutes: 1 });
    const moved = calcom.reschedule(first, '2026-03-06T13:00:00.000Z');
    expect(await reconcile('calcom')).toMatchObject({ missed: 1, processed: 1 });
    const bookings = () => clinic.api.get('/api/v1/bookings').then(({ data }) => data);
    expect(await bookings()).toMatchObject([{ status: 'confirmed', startTime: '2026-03-06T13:00:00.000Z' }]);
    clinic.clock.advance({ minutes: 1 });
    calcom.cancel(moved);
    expect(await reconcile('calcom')).toMatchObject({ missed: 1, processed: 1 });
    expect(await bookings()).toMatchObject([{ status: 'cancelled' }]);
  });

  it('runs by itself when its time has come, as often as was set', async () => {
    await clinic.change('twenty', { reconcileEveryMinutes: 30 });
    const jobs = async () =>
      (await clinic.api.get('/api/v1/jobs?kind=connections.reconcile')).data as { createdBy: string }[];
    const scheduled = async () => (await jobs()).filter(({ createdBy }) => createdBy === 'schedule').length;
    await eventually(async () => {
      clinic.clock.advance({ minutes: 5 });
      expect(await scheduled()).toBeGreaterThanOrEqual(1);
    });
    addPerson('Scheduled');
    const before = await scheduled();
    clinic.clock.advance({ minutes: 61 });
    await eventually(async () => expect(await scheduled()).toBeGreaterThan(before));
    await eventually(() =>
      expect(clinic.chatwoot.contacts.map(({ email }) => email)).toContain('scheduled@example.com'),
    );
  });

  it('says why it could not go on, and begins at the same place again', async () => {
    clinic.clock.advance({ minutes: 1 });
    addPerson('Patient');
    clinic.twenty.failNext({ status: 401, body: { error: 'no' } }, { on: /graphql/, times: 20 });
    const since = (await clinic.api.get(`/api/v1/connections/${clinic.connections.twenty}/reconciliation`)).since;
    expect((await reconcile('twenty')).error).toContain('does not take the credentials');
    clinic.twenty.heal();
    expect((await clinic.api.get(`/api/v1/connections/${clinic.connections.twenty}/reconciliation`)).since).toBe(since);
    expect(await reconcile('twenty')).toMatchObject({ missed: 1, processed: 1 });
  });
});
