import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CalcomBookingRow } from '../../support/providers/calcom.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { AI_KEY, Clinic } from './clinic.js';

let clinic: Clinic;
let ai: Receiver;
/** Whatever a provider told us on that day, to be told again. */
const told: { url: string; body: string; headers: [string, string][] }[] = [];

beforeAll(async () => {
  ai = await startReceiver({
    script: ({ body }) => {
      const { messages } = JSON.parse(body);
      const { content } = messages.at(-1);
      return { body: JSON.stringify({ choices: [{ message: { content: `Resposta a: ${content}` } }] }) };
    },
  });
  clinic = await Clinic.open({
    chatwoot: {
      ai: { enabled: true, kind: 'openai', url: ai.url, apiKey: AI_KEY, model: 'small', systemPrompt: 'Seja breve.' },
    },
  });
  clinic.twenty.echoes = true;
  clinic.chatwoot.echoes = true;
  for (const server of clinic.servers) clinic.listen(server, told);
});
afterAll(async () => {
  await clinic.close();
  await ai.close();
});

/** What there is at the end of it all, without ids and times of writing. */
async function outcome() {
  const { twenty, chatwoot, api } = clinic;
  const contacts = await clinic.app.database.query('select * from contacts order by id');
  const { data: bookings } = await api.get('/api/v1/bookings');
  const { data: deals } = await api.get('/api/v1/deals');
  const { data: conversations } = await api.get('/api/v1/conversations');
  const messages = [];
  for (const { id } of conversations) messages.push((await api.get(`/api/v1/conversations/${id}/messages`)).data);
  return structuredClone({
    people: twenty.people.map(({ name, emails, phones }) => ({ name, emails, phones })),
    opportunities: twenty.opportunities.map(({ id, name, stage, closeDate }) => ({ id, name, stage, closeDate })),
    contacts: chatwoot.contacts.map(({ name, email, phone_number }) => ({ name, email, phone_number })),
    conversations: chatwoot.conversations.map((one) => one.messages.map(({ id, content }) => ({ id, content }))),
    ours: { contacts, bookings, deals, conversations, messages },
  });
}

describe('a day at the clinic', () => {
  let booking: CalcomBookingRow;
  let moved: CalcomBookingRow;
  const messages = () => clinic.chatwoot.conversations[0]!.messages;

  it('a booking from Cal.com is an opportunity in Twenty and a message in Chatwoot', async () => {
    const { calcom, twenty, chatwoot, api } = clinic;
    booking = calcom.addBooking({
      start: '2026-03-05T13:00:00.000Z',
      attendees: [
        { name: 'Ana Souza', email: 'ana@example.com', timeZone: 'America/Sao_Paulo', phoneNumber: '+5511999990000' },
      ],
    });
    await calcom.emit('BOOKING_CREATED', booking);
    await clinic.settled();
    expect(twenty.people).toHaveLength(1);
    expect(twenty.opportunities).toMatchObject([
      { name: 'Consulta', stage: 'MEETING_SCHEDULED', pointOfContactId: twenty.people[0]!.id },
    ]);
    expect(chatwoot.contacts).toMatchObject([
      { name: 'Ana Souza', email: 'ana@example.com', phone_number: '+5511999990000' },
    ]);
    expect(messages().map(({ content }) => content)).toEqual([
      'Olá Ana! Seu agendamento está confirmado: Consulta, quinta-feira, 5 de março de 2026 às 10:00.',
    ]);
    expect((await api.get('/api/v1/bookings')).data).toMatchObject([
      { status: 'confirmed', externalId: `calcom:${booking.uid}` },
    ]);
    expect((await api.get('/api/v1/deals')).data).toMatchObject([{ title: 'Consulta', stage: 'MEETING_SCHEDULED' }]);
  });

  it('moved, it is the same booking and opportunity, and the patient is told', async () => {
    const { calcom, twenty, api, clock } = clinic;
    clock.advance({ hours: 1 });
    moved = calcom.reschedule(booking, '2026-03-06T14:30:00.000Z');
    await calcom.emit('BOOKING_RESCHEDULED', moved);
    await clinic.settled();
    expect(twenty.opportunities).toMatchObject([
      { stage: 'MEETING_SCHEDULED', closeDate: expect.stringContaining('2026-03-06') },
    ]);
    expect(messages().at(-1)!.content).toContain(
      'remarcado: Consulta agora é sexta-feira, 6 de março de 2026 às 11:30',
    );
    expect((await api.get('/api/v1/bookings')).data).toMatchObject([
      { startTime: '2026-03-06T14:30:00.000Z', externalId: `calcom:${moved.uid}` },
    ]);
  });

  it('cancelled, the opportunity is in the stage CANCELLED, and the patient is told', async () => {
    const { calcom, twenty, api, clock } = clinic;
    clock.advance({ hours: 1 });
    await calcom.emit('BOOKING_CANCELLED', calcom.cancel(moved, 'Viagem'));
    await clinic.settled();
    expect(twenty.opportunities).toMatchObject([{ stage: 'CANCELLED' }]);
    expect(messages().at(-1)!.content).toContain('cancelado: Consulta');
    expect((await api.get('/api/v1/bookings')).data).toMatchObject([{ status: 'cancelled', cancelReason: 'Viagem' }]);
  });

  it('the patient writes and the agent answers', async () => {
    const { chatwoot, clock, api } = clinic;
    clock.advance({ minutes: 10 });
    await chatwoot.receive(chatwoot.conversations[0]!, 'Posso marcar outro dia?');
    await clinic.settled();
    expect(messages().at(-1)).toMatchObject({ content: 'Resposta a: Posso marcar outro dia?', message_type: 1 });
    expect(ai.requests).toHaveLength(1);
    expect(ai.requests[0]!.headers.authorization).toBe(`Bearer ${AI_KEY}`);
    const { model, messages: asked } = JSON.parse(ai.requests[0]!.body);
    expect(model).toBe('small');
    expect(asked[0]).toEqual({ role: 'system', content: 'Seja breve.' });
    expect(asked.at(-1)).toEqual({ role: 'user', content: 'Posso marcar outro dia?' });
    const { data: conversations } = await api.get('/api/v1/conversations');
    expect(conversations).toHaveLength(1);
    const { data } = await api.get(`/api/v1/conversations/${conversations[0].id}/messages`);
    expect(data.map((message: { author: string }) => message.author)).toEqual([
      'ai',
      'contact',
      'system',
      'system',
      'system',
    ]);
  });

  it('nothing failed', async () => {
    expect(await clinic.tasks('&status=failed')).toEqual([]);
    expect((await clinic.api.get('/api/v1/inbound-events?status=failed')).data).toEqual([]);
  });

  it('told twice and in another order, all of it is as it was', async () => {
    const before = await outcome();
    const writes = clinic.writes();
    // The same deliveries: known by their ids.
    for (const delivery of [...told].reverse()) await clinic.repeat(delivery);
    await clinic.settled();
    // And as if none had been known: what is recognised is what they say.
    await clinic.app.database.query('delete from inbound_dedupe_keys');
    for (const delivery of [...told].sort((a, b) => (a.body < b.body ? -1 : 1))) await clinic.repeat(delivery);
    await clinic.settled();
    expect(await outcome()).toEqual(before);
    expect(clinic.writes()).toEqual(writes);
    expect(ai.requests).toHaveLength(1);
  });
});

describe('the same day told in reverse', () => {
  it('ends in the same state, and the patient is told only what is still true', async () => {
    const { calcom, twenty, chatwoot, api, clock } = clinic;
    const attendees = [
      { name: 'Bia Lima', email: 'bia@example.com', timeZone: 'America/Sao_Paulo', phoneNumber: null },
    ];
    const first = calcom.addBooking({ start: '2026-03-09T13:00:00.000Z', attendees });
    const ical = { iCalUID: `${first.uid}@Cal.com` };
    const created = calcom.webhookBody('BOOKING_CREATED', first, ical);
    clock.advance({ minutes: 1 });
    const second = calcom.reschedule(first, '2026-03-10T13:00:00.000Z');
    const rescheduled = calcom.webhookBody('BOOKING_RESCHEDULED', second, ical);
    clock.advance({ minutes: 1 });
    const cancelled = calcom.webhookBody('BOOKING_CANCELLED', calcom.cancel(second), ical);
    const [webhook] = calcom.webhooks;
    for (const body of [cancelled, rescheduled, created, rescheduled, cancelled]) {
      await calcom.send(webhook!, body);
      await clinic.settled();
    }
    const person = twenty.people.filter(({ emails }) => emails.primaryEmail === 'bia@example.com');
    expect(person).toHaveLength(1);
    const theirs = twenty.opportunities.filter(({ pointOfContactId }) => pointOfContactId === person[0]!.id);
    expect(theirs).toMatchObject([{ stage: 'CANCELLED', closeDate: expect.stringContaining('2026-03-10') }]);
    const { data } = await api.get('/api/v1/bookings?status=cancelled');
    expect(data).toHaveLength(2);
    expect(data[0]).toMatchObject({ startTime: '2026-03-10T13:00:00.000Z', externalId: `calcom:${second.uid}` });
    const contact = chatwoot.contacts.find(({ email }) => email === 'bia@example.com')!;
    const texts = chatwoot.conversations
      .filter(({ contact_id }) => contact_id === contact.id)
      .flatMap((one) => one.messages.map(({ content }) => content));
    expect(texts).toEqual([expect.stringContaining('cancelado')]);
  });
});
