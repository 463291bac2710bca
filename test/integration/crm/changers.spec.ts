import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BookingChanger } from '../../../src/crm/booking-changer.js';
import { CrmWriter, type Write } from '../../../src/crm/crm-writer.js';
import { DealChanger } from '../../../src/crm/deal-changer.js';
import { DealStageStore } from '../../../src/crm/deal-stage.store.js';
import { InvoiceChanger } from '../../../src/crm/invoice-changer.js';
import { ToolStore } from '../../../src/crm/tool.store.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { makeContact, Partner, totalsOf } from './crm.js';

const ORIGIN = { source: 'calcom', hops: 1 };
const at = (hour: number) => new Date(Date.UTC(2030, 0, 10, hour));
let app: TestApp;
let api: Api;
let tenantId: string;

beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
  tenantId = app.tenant.id;
});
afterAll(() => app.close());

const write = <T>(work: (write: Write) => Promise<T>) => app.app.get(CrmWriter).write(tenantId, ORIGIN, work);

describe('a booking that a provider tells of', () => {
  const upsert = (id: string, values: Parameters<BookingChanger['upsert']>[3], options = {}) =>
    write((write) => app.app.get(BookingChanger).upsert(write, tenantId, id, values, options));

  it('is made, changed and told under its id, and says nothing when nothing is new', async () => {
    const partner = await Partner.of(api, ['booking.*']);
    const contactId = (await makeContact(app)).id;
    const said = { contactId, startTime: at(10), endTime: at(11), status: 'confirmed' as const };
    const made = await upsert('calcom:1', said);
    expect(made).toMatchObject({
      created: true,
      changes: {},
      booking: { externalId: 'calcom:1', status: 'confirmed' },
    });
    expect(await upsert('calcom:1', said)).toMatchObject({ created: false, changes: {} });
    // Only the start is said: it stays as long as it was.
    const moved = await upsert('calcom:1', { contactId, startTime: at(14) });
    expect(moved.booking).toMatchObject({
      id: made.booking.id,
      startTime: at(14),
      endTime: at(15),
      status: 'confirmed',
    });
    const [created, updated] = await partner.hears('booking.created', 'booking.updated');
    expect(created!.metadata).toMatchObject({ source: 'calcom', 'x-posthaste-hops': 1 });
    expect(Object.keys(updated!.data.changes)).toEqual(['startTime', 'endTime']);
    await partner.leave();
  });

  it('that is cancelled is not opened again by a late word, but on purpose', async () => {
    const contactId = (await makeContact(app)).id;
    const said = { contactId, startTime: at(10), endTime: at(11) };
    await upsert('calcom:2', { ...said, status: 'cancelled' });
    const late = await upsert('calcom:2', { ...said, startTime: at(9), status: 'confirmed', notes: 'late' });
    expect(late.booking).toMatchObject({ status: 'cancelled', startTime: at(10), notes: 'late' });
    const reopened = await upsert('calcom:2', { ...said, status: 'confirmed' }, { reopen: true });
    expect(reopened.booking).toMatchObject({ status: 'confirmed', cancelledAt: null });
  });

  it('of many at once is one', async () => {
    const contactId = (await makeContact(app)).id;
    const all = await Promise.all(
      Array.from({ length: 10 }, () => upsert('calcom:3', { contactId, startTime: at(10), endTime: at(11) })),
    );
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(all.map(({ booking }) => booking.id)).size).toBe(1);
    expect(await totalsOf(app, contactId)).toMatchObject({ bookingsCount: 1 });
  });
});

it('a tool that a provider names is made once and renamed', async () => {
  const ensure = (name: string) =>
    write(({ tx }) => app.app.get(ToolStore).ensure(tx, tenantId, 'calcom:77', { name, durationMinutes: 15 }));
  const [first, again, renamed] = [await ensure('15 min'), await ensure('15 min'), await ensure('Quarter')];
  expect([again.id, renamed.id]).toEqual([first.id, first.id]);
  expect(renamed).toMatchObject({ name: 'Quarter', durationMinutes: 15 });
});

it('a stage that a provider names joins the pipeline, and a deal of it is made and changed under its id', async () => {
  const [stages, deals] = [app.app.get(DealStageStore), app.app.get(DealChanger)];
  const upsert = (stage: string) =>
    write(async (write) => {
      const { key } = await stages.ensure(write.tx, tenantId, stage);
      return deals.upsert(write, tenantId, 'twenty:1', { stage: key, title: 'From Twenty' });
    });
  expect(await upsert('MEETING_SCHEDULED')).toMatchObject({ created: true, deal: { stage: 'MEETING_SCHEDULED' } });
  expect(await upsert('WON')).toMatchObject({ created: false, deal: { stage: 'won', wonAt: expect.any(Date) } });
  const { data } = await api.get('/api/v1/deal-stages');
  expect(data.at(-1)).toEqual({ key: 'MEETING_SCHEDULED', name: 'MEETING_SCHEDULED', outcome: 'open' });
  expect(data).toHaveLength(7);
});

it('an invoice is made and changed under its number', async () => {
  const upsert = (status: string) =>
    write((write) => app.app.get(InvoiceChanger).upsert(write, tenantId, 'in_77', { status, amount: '5.00' }));
  expect(await upsert('open')).toMatchObject({ created: true });
  expect((await upsert('void')).changes).toEqual({ status: { old: 'open', new: 'void' } });
  expect((await upsert('void')).changes).toEqual({});
});

it('a write that fails after it told leaves no row and tells nobody', async () => {
  const partner = await Partner.of(api, ['*']);
  const contactId = (await makeContact(app)).id;
  const values = { contactId, startTime: at(10), endTime: at(11), externalId: 'calcom:undone' };
  const failing = write(async (write) => {
    await app.app.get(BookingChanger).create(write, tenantId, values);
    throw new Error('something else went wrong');
  });
  await expect(failing).rejects.toThrow('something else');
  expect((await api.get('/api/v1/bookings?externalId=calcom:undone')).data).toEqual([]);
  expect(await totalsOf(app, contactId)).toMatchObject({ bookingsCount: 0 });
  // What is told later arrives, so what is not there was never told.
  await write((write) => app.app.get(BookingChanger).create(write, tenantId, { ...values, externalId: 'calcom:done' }));
  await partner.hears('booking.created');
  await partner.leave();
});

it('a write that came round through workflows too often is made and not told', async () => {
  const partner = await Partner.of(api, ['deal.*']);
  const hops = (count: number) => ({ 'x-posthaste-hops': String(count) });
  await api.post('/api/v1/deals', { title: 'round and round' }, 201, hops(5));
  await api.post('/api/v1/deals', { title: 'once' }, 201, { ...hops(2), 'X-Change-Source': 'manychat_sync' });
  const [told] = await partner.hears('deal.created');
  expect(told).toMatchObject({ data: { title: 'once' }, metadata: { 'x-posthaste-hops': 3 } });
  await partner.leave();
});
