import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { CalendlyServer } from '../../support/providers/calendly.js';
import { TestClock } from '../../support/test-clock.js';
import { connectCalendly, register } from '../connections/connections.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let calendly: CalendlyServer;
let connection: { id: string };

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20', PUBLIC_URL: 'https://hooks.example.com' } });
  api = Api.of(app);
  calendly = await CalendlyServer.start();
  calendly.reach = app.url;
  calendly.now = () => clock.now();
  connection = await connectCalendly(api, calendly);
  await register(api, connection);
  // Made by the database's clock, which stands elsewhere.
  await app.database.query('update connections set created_at = $1', [clock.now()]);
});
afterAll(async () => {
  await app.close();
  await calendly.close();
});

const settled = () =>
  eventually(async () => {
    const [open] = await app.database.query(
      `select count(*)::int as n from integration_events where status in ('received', 'processing')`,
    );
    expect(open).toEqual({ n: 0 });
  });
const bookingsOf = async (email: string) => {
  const [contact] = await app.database.query<{ id: string }>('select id from contacts where email = $1', [email]);
  return (await api.get(`/api/v1/bookings?contactId=${contact!.id}`)).data;
};

describe('Calendly', () => {
  it('an invitee is a contact with a booking, and cancelled it is cancelled', async () => {
    const invitee = calendly.book({ email: 'maria@example.com' });
    await calendly.emit('invitee.created', invitee);
    await settled();
    const [contact] = await app.database.query('select * from contacts where email = $1', ['maria@example.com']);
    expect(contact).toMatchObject({
      first_name: 'Maria',
      last_name: 'Lima',
      phone: '+5511999990000',
      timezone: 'America/Sao_Paulo',
    });
    expect(await bookingsOf('maria@example.com')).toMatchObject([
      { status: 'confirmed', startTime: '2026-03-05T14:00:00.000Z', endTime: '2026-03-05T14:30:00.000Z' },
    ]);
    clock.advance({ minutes: 1 });
    await calendly.emit('invitee.canceled', calendly.cancel(calendly.events.at(-1)!, 'Viagem'));
    await settled();
    expect(await bookingsOf('maria@example.com')).toMatchObject([{ status: 'cancelled', cancelReason: 'Viagem' }]);
  });

  it.each([
    ['cancelled first', ['canceled', 'created']],
    ['created first', ['created', 'canceled']],
  ] as const)('moved it stays one booking, told %s', async (what, order) => {
    const email = `${what.replace(' ', '.')}@example.com`;
    const invitee = calendly.book({ email });
    await calendly.emit('invitee.created', invitee);
    await settled();
    clock.advance({ minutes: 1 });
    const both = calendly.reschedule(invitee, '2026-03-09T14:00:00.000000Z');
    for (const one of [...order, ...order]) {
      await calendly.emit(`invitee.${one}`, both[one]);
      await settled();
    }
    expect(await bookingsOf(email)).toMatchObject([{ status: 'confirmed', startTime: '2026-03-09T14:00:00.000Z' }]);
  });

  it('what no webhook told is found by comparing', async () => {
    clock.advance({ minutes: 1 });
    calendly.book({ email: 'lost@example.com' });
    const { id } = await api.post(`/api/v1/connections/${connection.id}/reconcile`, {}, 202);
    const job = await eventually(async () => {
      const found = await api.get(`/api/v1/jobs/${id}`);
      expect(found.status).toBe('succeeded');
      return found;
    });
    expect(job.result).toMatchObject({ missed: 1, processed: 1, failed: 0 });
    expect(await bookingsOf('lost@example.com')).toMatchObject([{ status: 'confirmed' }]);
  });

  it('stays out where it is switched off', async () => {
    await api.patch(`/api/v1/connections/${connection.id}`, { settings: { automations: { bookings: false } } });
    await calendly.emit('invitee.created', calendly.book({ email: 'off@example.com' }));
    await settled();
    expect(await app.database.query(`select 1 from contacts where email = 'off@example.com'`)).toEqual([]);
  });
});
