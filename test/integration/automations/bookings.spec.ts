import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { startReceiver } from '../../support/receiver.js';
import { Clinic } from './clinic.js';

let clinic: Clinic;
let patients = 0;
beforeAll(async () => {
  clinic = await Clinic.open();
});
afterAll(() => clinic?.close());

/** Somebody new books. */
function book(fields: { metadata?: Record<string, string>; timeZone?: string } = {}) {
  patients++;
  const { metadata = {}, timeZone = 'America/Sao_Paulo' } = fields;
  const attendees = [{ name: `Paciente ${patients}`, email: `p${patients}@example.com`, timeZone, phoneNumber: null }];
  return clinic.calcom.addBooking({ start: '2026-03-05T13:00:00.000Z', attendees, metadata });
}

const opportunitiesOf = (email: string) => {
  const person = clinic.twenty.people.find(({ emails }) => emails.primaryEmail === email);
  return clinic.twenty.opportunities.filter(({ pointOfContactId }) => person && pointOfContactId === person.id);
};
const messagesTo = (email: string) => {
  const contact = clinic.chatwoot.contacts.find((one) => one.email === email);
  return clinic.chatwoot.conversations.filter((one) => one.contact_id === contact?.id).flatMap((one) => one.messages);
};

describe('a booking of Cal.com', () => {
  it('moves the opportunity that its metadata names, which keeps its name, and makes none', async () => {
    const { twenty, calcom } = clinic;
    const there = twenty.addOpportunity({ name: 'Implante da Ana', stage: 'NEW' });
    const booking = book({ metadata: { twenty_opportunity_id: there.id } });
    await calcom.emit('BOOKING_CREATED', booking);
    await clinic.settled();
    expect(twenty.opportunities).toMatchObject([{ id: there.id, name: 'Implante da Ana', stage: 'MEETING_SCHEDULED' }]);
    clinic.clock.advance({ minutes: 1 });
    await calcom.emit('BOOKING_CANCELLED', calcom.cancel(booking));
    await clinic.settled();
    expect(twenty.opportunities).toMatchObject([{ id: there.id, stage: 'CANCELLED' }]);
  });

  it('is completed when its meeting has ended, and that is told', async () => {
    const receiver = await startReceiver();
    const { calcom, api, twenty } = clinic;
    const { id } = await api.post(
      '/api/v1/subscriptions',
      { url: receiver.url, eventTypes: ['booking.completed'] },
      201,
    );
    const booking = book();
    await calcom.emit('BOOKING_CREATED', booking);
    await clinic.settled();
    await calcom.emit('MEETING_ENDED', booking);
    await calcom.emit('MEETING_ENDED', booking);
    await clinic.settled();
    expect((await api.get('/api/v1/bookings?limit=1')).data).toMatchObject([{ status: 'completed' }]);
    expect(twenty.opportunities.at(-1)).toMatchObject({ stage: 'MEETING_SCHEDULED' });
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    expect(JSON.parse(receiver.requests[0]!.body)).toMatchObject({ event: 'booking.completed' });
    await api.delete(`/api/v1/subscriptions/${id}`);
    await receiver.close();
  });

  it('of somebody without a language is told in Portuguese, at the time it is where he is', async () => {
    const booking = book({ timeZone: 'Europe/Lisbon' });
    const body = clinic.calcom.webhookBody('BOOKING_CREATED', booking) as { payload: { attendees: object[] } };
    body.payload.attendees = booking.attendees;
    await clinic.calcom.send(clinic.calcom.webhooks[0]!, body);
    await clinic.settled();
    expect(messagesTo(`p${patients}@example.com`).map(({ content }) => content)).toEqual([
      expect.stringContaining('quinta-feira, 5 de março de 2026 às 13:00'),
    ]);
  });

  it('in the form of the MedFlow guide is a booking, once', async () => {
    const payload = {
      title: 'Reunião de 15 min',
      startTime: '2026-03-09T10:00:00Z',
      attendees: [{ email: 'guide@example.com', name: 'Patient Name' }],
      metadata: { twenty_opportunity_id: 'optional-uuid' },
    };
    const [webhook] = clinic.calcom.webhooks;
    await clinic.calcom.send(webhook!, { triggerEvent: 'BOOKING_CREATED', payload });
    await clinic.calcom.send(webhook!, { triggerEvent: 'BOOKING_CREATED', payload, again: true });
    await clinic.settled();
    expect(opportunitiesOf('guide@example.com')).toMatchObject([{ name: 'Reunião de 15 min' }]);
    expect(messagesTo('guide@example.com')).toHaveLength(1);
    await clinic.calcom.send(webhook!, { triggerEvent: 'BOOKING_CANCELLED', payload });
    await clinic.settled();
    expect(opportunitiesOf('guide@example.com')).toMatchObject([{ stage: 'CANCELLED' }]);
  });

  it('that two ids told of before they were known to be one is one booking', async () => {
    const { calcom, api, clock } = clinic;
    const first = book();
    const email = first.attendees[0]!.email;
    await calcom.emit('BOOKING_CREATED', first);
    clock.advance({ minutes: 1 });
    const second = calcom.reschedule(first, '2026-03-12T13:00:00.000Z');
    const rescheduled = calcom.webhookBody('BOOKING_RESCHEDULED', second);
    clock.advance({ minutes: 1 });
    await calcom.emit('BOOKING_CANCELLED', calcom.cancel(second));
    await clinic.settled();
    await calcom.send(calcom.webhooks[0]!, rescheduled);
    await clinic.settled();
    const [contact] = await clinic.app.database.query<{ id: string }>('select id from contacts where email = $1', [
      email,
    ]);
    expect((await api.get(`/api/v1/bookings?contactId=${contact!.id}`)).data).toMatchObject([
      { status: 'cancelled', startTime: '2026-03-12T13:00:00.000Z' },
    ]);
  });

  it('leads to what is switched on alone', async () => {
    await clinic.change('calcom', { automations: { messages: false } });
    await clinic.calcom.emit('BOOKING_CREATED', book());
    await clinic.settled();
    expect(opportunitiesOf(`p${patients}@example.com`)).toHaveLength(1);
    expect(messagesTo(`p${patients}@example.com`)).toEqual([]);
    await clinic.change('calcom', { automations: { opportunities: false } });
    await clinic.calcom.emit('BOOKING_CREATED', book());
    await clinic.settled();
    expect(opportunitiesOf(`p${patients}@example.com`)).toEqual([]);
    expect(messagesTo(`p${patients}@example.com`)).toHaveLength(1);
  });

  it('makes one opportunity, person and message also when the answers of Twenty and Chatwoot were lost', async () => {
    const { calcom, twenty, chatwoot, clock } = clinic;
    await clinic.change('calcom', { automations: {} });
    await calcom.emit('BOOKING_CREATED', book());
    await clinic.settled();
    const email = `p${patients}@example.com`;
    // As if the process had died before it could write down what it made.
    await clinic.app.database.query(
      `delete from external_identities where kind in ('booking-opportunity', 'person', 'contact')`,
    );
    await clinic.app.database.query(
      `update automation_tasks set status = 'pending', due_at = created_at, finished_at = null where created_at = $1`,
      [clock.now()],
    );
    await clinic.settled();
    expect(twenty.people.filter(({ emails }) => emails.primaryEmail === email)).toHaveLength(1);
    expect(opportunitiesOf(email)).toHaveLength(1);
    expect(chatwoot.contacts.filter((one) => one.email === email)).toHaveLength(1);
    expect(messagesTo(email)).toHaveLength(1);
  });
});
