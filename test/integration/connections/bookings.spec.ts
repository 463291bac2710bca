import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CalcomClient } from '../../../src/connections/calcom-client.js';
import type { CalendlyClient } from '../../../src/connections/calendly-client.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { CalcomServer } from '../../support/providers/calcom.js';
import { CalendlyServer, type CalendlyWebhookRow } from '../../support/providers/calendly.js';
import { check, clientsOf, connectCalcom, connectCalendly, register } from './connections.js';

let app: TestApp;
let api: Api;
let calcom: CalcomServer;
let calendly: CalendlyServer;
let calcomConnection: { id: string };
let calendlyConnection: { id: string };

beforeAll(async () => {
  [app, calcom, calendly] = await Promise.all([
    startTestApp({ config: { PUBLIC_URL: 'https://hooks.example.com' } }),
    CalcomServer.start(),
    CalendlyServer.start(),
  ]);
  calcom.reach = app.url;
  calendly.reach = app.url;
  api = Api.of(app);
  calcomConnection = await connectCalcom(api, calcom, { baseUrl: `${calcom.url}/v2/` });
  calendlyConnection = await connectCalendly(api, calendly);
});
afterAll(() => Promise.all([app.close(), calcom.close(), calendly.close()]));

describe('Cal.com', () => {
  it('books, moves to a new uid, cancels, and lists what changed since, page by page', async () => {
    const client = (await clientsOf(app).calcom(app.tenant.id)) as CalcomClient;
    const attendee = { name: 'Ana', email: 'ana@example.com', timeZone: 'America/Sao_Paulo' };
    const made = await client.createBooking({
      start: new Date('2026-03-05T12:00:00Z'),
      eventType: { id: 7 },
      attendee,
      metadata: { twenty_opportunity_id: 'uuid-1' },
    });
    expect(made).toMatchObject({ status: 'accepted', metadata: { twenty_opportunity_id: 'uuid-1' } });
    const moved = await client.rescheduleBooking(made.uid, new Date('2026-03-06T12:00:00Z'), 'the patient asked');
    expect(moved).toMatchObject({ rescheduledFromUid: made.uid });
    expect(moved.uid).not.toBe(made.uid);
    expect(await client.cancelBooking(moved.uid, 'ill')).toMatchObject({
      status: 'cancelled',
      cancellationReason: 'ill',
    });
    expect(await client.getBooking('nothing')).toBeNull();
    expect(await client.listBookings({ attendeeEmail: 'ana@example.com', take: 1 })).toMatchObject({
      bookings: [{ uid: made.uid }],
      more: true,
    });
    const { bookings, more } = await client.listBookings({ afterUpdatedAt: new Date(0), take: 1, skip: 1 });
    expect(bookings).toMatchObject([{ uid: moved.uid }]);
    expect(more).toBe(false);
  });

  it('is told once of a webhook, signs with its secret, and a check names what the key may not read', async () => {
    await register(api, calcomConnection);
    await register(api, calcomConnection);
    expect(calcom.webhooks).toMatchObject([{ active: true, triggers: expect.arrayContaining(['MEETING_ENDED']) }]);
    const booking = calcom.addBooking({ start: '2026-03-07T12:00:00.000Z' });
    const [sent] = await calcom.emit('BOOKING_CREATED', booking);
    const [ended] = await calcom.emit('MEETING_ENDED', booking);
    expect([sent?.answer.status, ended?.answer.status]).toEqual([200, 200]);
    expect((await api.get('/api/v1/inbound-events?source=calcom')).data).toMatchObject([
      { eventName: 'MEETING_ENDED' },
      { eventName: 'BOOKING_CREATED' },
    ]);
    calcom.deniesBookings = true;
    expect(await check(api, calcomConnection)).toMatchObject({
      ok: false,
      abilities: [
        { name: 'credentials', ok: true, message: 'The API key is accepted; it is that of lia@clinic.example.' },
        { name: 'bookings', ok: false, message: expect.stringContaining('Insufficient permissions: BOOKING_READ') },
        { name: 'webhooks', ok: true },
      ],
    });
    calcom.deniesBookings = false;
  });
});

describe('Calendly', () => {
  it('lists scheduled events and invitees page by page, and cancels', async () => {
    const client = (await clientsOf(app).calendly(app.tenant.id)) as CalendlyClient;
    const invitee = calendly.book({ email: 'maria@example.com' });
    calendly.book({ email: 'joao@example.com' }, '2026-03-06T14:00:00.000000Z');
    calendly.pageSize = 1;
    const first = await client.listScheduledEvents();
    expect(first.items).toMatchObject([{ uri: invitee.event }]);
    const second = await client.listScheduledEvents({ pageToken: first.next as string });
    expect(second).toMatchObject({ items: [{ start_time: '2026-03-06T14:00:00.000000Z' }], next: null });
    expect((await client.listScheduledEvents({ inviteeEmail: 'maria@example.com' })).items).toHaveLength(1);
    expect((await client.listInvitees(invitee.event)).items).toMatchObject([{ email: 'maria@example.com' }]);
    expect(await client.getInvitee(invitee.uri)).toMatchObject({ uri: invitee.uri });
    await client.cancelScheduledEvent(invitee.event, 'ill');
    expect(await client.getScheduledEvent(invitee.event)).toMatchObject({ status: 'canceled' });
    calendly.pageSize = 100;
  });

  it('has one webhook however often it is registered, with the key of the source, and both halves of a reschedule come in', async () => {
    await register(api, calendlyConnection);
    const before = { ...calendly.webhooks[0] } as CalendlyWebhookRow;
    const registered = await register(api, calendlyConnection, { secret: 'a-key-of-the-owner' });
    expect(calendly.webhooks).toMatchObject([
      { callback_url: registered.url, scope: 'user', signing_key: 'a-key-of-the-owner' },
    ]);
    const invitee = calendly.book({ email: 'rita@example.com' });
    const underWay = calendly.webhookBody('invitee.created', calendly.book({ email: 'underway@example.com' }));
    expect((await calendly.send(before, underWay)).answer.status).toBe(200);
    const { canceled, created } = calendly.reschedule(invitee, '2026-03-09T14:00:00.000000Z');
    const answers = [
      ...(await calendly.emit('invitee.created', invitee)),
      ...(await calendly.emit('invitee.canceled', canceled)),
      ...(await calendly.emit('invitee.created', created)),
    ];
    expect(answers.map(({ answer }) => answer.status)).toEqual([200, 200, 200]);
    const { data } = await api.get('/api/v1/calendly/events?limit=3');
    expect(data).toMatchObject([
      { source: 'calendly', eventName: 'invitee.created' },
      { eventName: 'invitee.canceled' },
      { eventName: 'invitee.created' },
    ]);
  });

  it('without webhooks in its plan says so', async () => {
    calendly.paid = false;
    const { abilities } = await check(api, calendlyConnection);
    calendly.paid = true;
    expect(abilities).toMatchObject([
      { name: 'credentials', ok: true },
      { name: 'bookings', ok: true },
      { name: 'webhooks', ok: false, message: expect.stringContaining('webhooks need a paid plan') },
    ]);
  });

  it('is not asked to send to an address without https', async () => {
    const answer = await register(api, calendlyConnection, { url: 'http://hooks.example.com/in/x' }, 422);
    expect(answer.detail).toContain('Calendly only sends to https addresses');
    expect(calendly.webhooks).toHaveLength(1);
  });
});
