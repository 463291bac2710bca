import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant, countOf } from '../inbound/inbound.js';
import { makeContact, Partner, pagesOf, pointers, totalsOf } from './crm.js';

const clock = new TestClock();
const ABSENT = '01a208ad-81aa-79ff-a137-7dea4536b8b7';
const START = '2030-01-10T14:00:00.000Z';
const END = '2030-01-10T14:30:00.000Z';
let app: TestApp;
let api: Api;
let other: Awaited<ReturnType<typeof anotherTenant>>;
let partner: Partner;
let contact: { id: string };

beforeAll(async () => {
  app = await startTestApp({ clock });
  api = Api.of(app);
  other = await anotherTenant(app, 'other-bookings');
});
afterAll(() => app.close());
beforeEach(async () => {
  contact = await makeContact(app, { firstName: 'Ana' });
  partner = await Partner.of(api, ['booking.*']);
});
afterEach(() => partner.leave());

const book = (fields: object = {}, status = 201) =>
  api.post('/api/v1/bookings', { contactId: contact.id, startTime: START, endTime: END, ...fields }, status);

describe('a tool', () => {
  it('is made, listed, changed and deleted, and gives a booking its length', async () => {
    const tool = await api.post('/api/v1/tools', { name: 'Table', durationMinutes: 45, externalId: 'calcom:1' }, 201);
    expect(await api.get(`/api/v1/tools/${tool.id}`)).toEqual(tool);
    expect((await api.get('/api/v1/tools?externalId=calcom:1')).data).toEqual([tool]);
    const booking = await api.post(
      '/api/v1/bookings',
      { contactId: contact.id, toolId: tool.id, startTime: START },
      201,
    );
    expect(booking).toMatchObject({ toolId: tool.id, endTime: '2030-01-10T14:45:00.000Z', status: 'pending' });
    expect(await api.patch(`/api/v1/tools/${tool.id}`, { durationMinutes: null })).toMatchObject({ name: 'Table' });
    const refused = await book({ toolId: tool.id, endTime: undefined }, 422);
    expect(pointers(refused)).toEqual(['/endTime']);
    expect((await api.delete(`/api/v1/tools/${tool.id}`, 409)) as object).toMatchObject({ code: 'conflict' });
    await api.delete(`/api/v1/bookings/${booking.id}`);
    await api.delete(`/api/v1/tools/${tool.id}`);
    await api.get(`/api/v1/tools/${tool.id}`, 404);
  });

  it('is refused with the id of another, a null name, and a length of nothing', async () => {
    const first = await api.post('/api/v1/tools', { name: 'One', externalId: 'calcom:2' }, 201);
    const second = await api.post('/api/v1/tools', { name: 'Two' }, 201);
    expect(pointers(await api.post('/api/v1/tools', { name: 'x', externalId: 'calcom:2' }, 409))).toEqual([
      '/externalId',
    ]);
    await api.patch(`/api/v1/tools/${second.id}`, { externalId: 'calcom:2' }, 409);
    expect(pointers(await api.patch(`/api/v1/tools/${first.id}`, { name: null }, 422))).toEqual(['/name']);
    expect(pointers(await api.post('/api/v1/tools', { name: 'x', durationMinutes: 0 }, 422))).toEqual([
      '/durationMinutes',
    ]);
    await other.api.post('/api/v1/tools', { name: 'Theirs', externalId: 'calcom:2' }, 201);
  });
});

describe('a booking', () => {
  it('is told when it is made, moved, cancelled and opened again, once each, and counted on its contact', async () => {
    const booking = await book({ metadata: { room: 4 }, externalId: 'calcom:abc' });
    expect(await api.get(`/api/v1/bookings/${booking.id}`)).toEqual(booking);
    const [created] = await partner.hears('booking.created');
    expect(created!.data).toMatchObject({
      booking: { id: booking.id, userId: contact.id, startTime: START, status: 'pending', user: { firstName: 'Ana' } },
      user: { id: contact.id, stats: { bookingsCount: 1, lastBooking: START } },
    });
    expect(created!.metadata).toMatchObject({ source: 'api', action: 'created' });
    expect(await totalsOf(app, contact.id)).toMatchObject({ bookingsCount: 1, lastBookingAt: new Date(START) });

    const path = `/api/v1/bookings/${booking.id}`;
    await api.patch(path, { metadata: { room: 4 }, startTime: '2030-01-10T11:00:00-03:00', status: 'pending' });
    const later = { startTime: '2030-01-11T14:00:00.000Z', endTime: '2030-01-11T14:30:00.000Z' };
    expect(await api.patch(path, later)).toMatchObject(later);
    const [, moved] = await partner.hears('booking.created', 'booking.updated');
    expect(moved!.data.changes).toEqual({
      startTime: { old: START, new: later.startTime },
      endTime: { old: END, new: later.endTime },
    });
    expect(await totalsOf(app, contact.id)).toMatchObject({ lastBookingAt: new Date(later.startTime) });

    const cancelled = await api.patch(path, { status: 'cancelled', cancelReason: 'rain' });
    expect(cancelled).toMatchObject({ status: 'cancelled', cancelReason: 'rain', cancelledAt: expect.any(String) });
    const told = await partner.hears('booking.created', 'booking.updated', 'booking.updated', 'booking.cancelled');
    expect(told[3]!.data).toMatchObject({ booking: { id: booking.id, status: 'cancelled' } });
    expect(told[1]!.data.changes).toMatchObject({ status: { old: 'pending', new: 'cancelled' } });
    expect(await totalsOf(app, contact.id)).toMatchObject({ bookingsCount: 1, lastBookingAt: null });

    const again = await api.post(`${path}/reopen`, { status: 'confirmed' }, 200);
    expect(again).toMatchObject({ status: 'confirmed', cancelReason: null, cancelledAt: null });
    await api.post(`${path}/reopen`, {}, 409);
  });

  it('that is over keeps status and times, and takes notes', async () => {
    const { id } = await book();
    const path = `/api/v1/bookings/${id}`;
    await api.patch(path, { status: 'completed' });
    await partner.hears('booking.created', 'booking.updated', 'booking.completed');
    const refused = await api.patch(path, { status: 'confirmed' }, 409);
    expect(refused).toMatchObject({ code: 'conflict', errors: [{ pointer: '/status' }] });
    expect(refused.detail).toContain('completed');
    expect(pointers(await api.patch(path, { startTime: '2030-01-10T13:00:00Z' }, 409))).toEqual(['/startTime']);
    expect(await api.patch(path, { notes: 'came early' })).toMatchObject({ status: 'completed', notes: 'came early' });
  });

  it.each([
    ['pending', 'confirmed', 200],
    ['confirmed', 'no_show', 200],
    ['no_show', 'completed', 200],
    ['no_show', 'cancelled', 409],
    ['cancelled', 'pending', 409],
    ['completed', 'cancelled', 409],
  ])('that is %s can become %s: %i', async (from, to, status) => {
    const { id } = await book({ status: from });
    await api.patch(`/api/v1/bookings/${id}`, { status: to }, status);
  });

  it('counts for whom it belongs to, also when it is moved or deleted', async () => {
    const [second, booking] = [await makeContact(app), await book()];
    await book({ startTime: '2030-01-09T14:00:00Z' });
    await api.patch(`/api/v1/bookings/${booking.id}`, { contactId: second.id });
    expect(await totalsOf(app, contact.id)).toMatchObject({
      bookingsCount: 1,
      lastBookingAt: new Date('2030-01-09T14:00:00Z'),
    });
    expect(await totalsOf(app, second.id)).toMatchObject({ bookingsCount: 1, lastBookingAt: new Date(START) });
    await api.delete(`/api/v1/bookings/${booking.id}`);
    expect(await totalsOf(app, second.id)).toMatchObject({ bookingsCount: 0, lastBookingAt: null });
    const told = await partner.hears('booking.created', 'booking.created', 'booking.updated', 'booking.cancelled');
    expect(told[2]!.data.changes).toEqual({ userId: { old: contact.id, new: second.id } });
    expect(told[3]!.data.booking).toMatchObject({ id: booking.id, status: 'cancelled' });
  });

  it('counts right when many are made at once', async () => {
    await Promise.all(Array.from({ length: 12 }, () => book()));
    expect(await totalsOf(app, contact.id)).toMatchObject({ bookingsCount: 12 });
  });

  it('that is refused leaves nothing and tells nothing', async () => {
    await book({ externalId: 'calcom:taken' });
    const before = await countOf(app, 'bookings');
    const taken = await book({ externalId: 'calcom:taken' }, 409);
    expect(pointers(taken)).toEqual(['/externalId']);
    const second = await book();
    await api.patch(`/api/v1/bookings/${second.id}`, { externalId: 'calcom:taken', status: 'confirmed' }, 409);
    expect(await api.get(`/api/v1/bookings/${second.id}`)).toMatchObject({ status: 'pending', externalId: null });
    expect(await countOf(app, 'bookings')).toBe(before + 1);
    await partner.hears('booking.created', 'booking.created');
    expect(await totalsOf(app, contact.id)).toMatchObject({ bookingsCount: 2 });
  });

  it.each([
    [{ startTime: END, endTime: START }, '/endTime'],
    [{ endTime: START }, '/endTime'],
    [{ startTime: '2030-01-10T14:00:00' }, '/startTime'],
    [{ startTime: '2030-02-30T14:00:00Z' }, '/startTime'],
    [{ startTime: 'tomorrow' }, '/startTime'],
    [{ endTime: null }, '/endTime'],
    [{ status: 'maybe' }, '/status'],
    [{ contactId: 'nobody' }, '/contactId'],
    [{ metadata: [1] }, '/metadata'],
    [{ metadata: { text: 'x'.repeat(16_001) } }, '/metadata'],
    [{ metadata: { text: 'a\u0000b' } }, '/metadata'],
    [{ notes: 'a\u0000b' }, '/notes'],
    [{ color: 'red' }, '/color'],
  ])('is refused as %j, with a pointer', async (fields, pointer) => {
    expect(pointers(await book(fields, 422))).toEqual([pointer]);
    const { id } = await book();
    expect(pointers(await api.patch(`/api/v1/bookings/${id}`, fields, 422))).toEqual([pointer]);
  });

  it('of a contact or tool the tenant does not have is 404, with a pointer', async () => {
    const theirs = await makeContact(app, {}, other.id);
    const theirTool = await other.api.post('/api/v1/tools', { name: 'Theirs' }, 201);
    for (const [field, id] of [
      ['contactId', ABSENT],
      ['contactId', theirs.id],
      ['toolId', theirTool.id],
    ]) {
      const problem = await book({ [field as string]: id }, 404);
      expect(problem).toMatchObject({ code: 'not_found', errors: [{ pointer: `/${field}` }] });
      const { id: ours } = await book();
      await api.patch(`/api/v1/bookings/${ours}`, { [field as string]: id }, 404);
    }
    expect(await totalsOf(app, theirs.id)).toMatchObject({ bookingsCount: 0 });
  });

  it('of another tenant is not found', async () => {
    const { id } = await book();
    const path = `/api/v1/bookings/${id}`;
    await other.api.get(path, 404);
    await other.api.patch(path, { notes: 'x' }, 404);
    await other.api.post(`${path}/reopen`, {}, 404);
    await other.api.delete(path, 404);
    expect((await other.api.get('/api/v1/bookings')).data).toEqual([]);
    await api.get('/api/v1/bookings/no-id', 404);
  });

  it('is made once for each Idempotency-Key, and the audit log says by whom', async () => {
    const body = { contactId: contact.id, startTime: START, endTime: END };
    const key = { 'Idempotency-Key': 'book-1' };
    const [first, second] = [
      await api.post('/api/v1/bookings', body, 201, key),
      await api.post('/api/v1/bookings', body, 201, key),
    ];
    expect(second).toEqual(first);
    const { data } = await api.get('/api/v1/audit-log?action=booking.created&limit=1');
    expect(data).toMatchObject([
      { action: 'booking.created', actor: { kind: 'api-key' }, target: { kind: 'booking', id: first.id } },
    ]);
    expect(await totalsOf(app, contact.id)).toMatchObject({ bookingsCount: 1 });
  });
});

describe('the list of bookings', () => {
  it('goes page by page and takes filters', async () => {
    const tool = await api.post('/api/v1/tools', { name: 'Room' }, 201);
    const days = ['2031-03-01', '2031-03-02', '2031-03-03', '2031-03-04'];
    const made: { id: string }[] = [];
    for (const day of days)
      made.unshift(await book({ startTime: `${day}T10:00:00Z`, endTime: `${day}T11:00:00Z`, toolId: tool.id }));
    await api.patch(`/api/v1/bookings/${made[0]!.id}`, { status: 'confirmed' });
    const ids = made.map(({ id }) => id);
    const of = `/api/v1/bookings?contactId=${contact.id}`;
    expect((await pagesOf(api, of)).map(({ id }) => id)).toEqual(ids);
    const listed = async (filter: string) =>
      (await api.get(`${of}&${filter}`)).data.map(({ id }: { id: string }) => id);
    expect(await listed('status=confirmed')).toEqual([ids[0]]);
    expect(await listed('startsFrom=2031-03-03&startsBefore=2031-03-04')).toEqual([ids[1]]);
    expect(await listed(`toolId=${tool.id}&startsBefore=2031-03-01T10:00:00Z`)).toEqual([]);
    for (const bad of ['status=maybe', 'startsFrom=yesterday', 'limit=500', 'cursor=x', 'when=now'])
      await api.get(`/api/v1/bookings?${bad}`, 422);
  });
});
