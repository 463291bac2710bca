import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant, capture, ended } from '../inbound/inbound.js';
import { makeContact, Partner, pagesOf, pointers } from './crm.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let other: Awaited<ReturnType<typeof anotherTenant>>;
let partner: Partner;
let count = 0;

beforeAll(async () => {
  app = await startTestApp({ clock });
  api = Api.of(app);
  other = await anotherTenant(app, 'other-invoices');
});
afterAll(() => app.close());
beforeEach(async () => {
  partner = await Partner.of(api, ['invoice.*']);
});
afterEach(() => partner.leave());

const make = (fields: object = {}, status = 201) =>
  api.post('/api/v1/invoices', { number: `in_${++count}`, ...fields }, status);

it('an invoice is told when it is made, changed and paid', async () => {
  const contact = await makeContact(app, { email: 'payer@example.com' });
  const invoice = await make({
    amount: '129.90',
    currency: 'BRL',
    customerEmail: 'Payer@Example.com',
    dueAt: '2030-01-31T00:00:00Z',
  });
  expect(invoice).toMatchObject({
    status: 'open',
    amount: '129.90',
    customerEmail: 'payer@example.com',
    contactId: contact.id,
    paidAt: null,
  });
  const [created] = await partner.hears('invoice.created');
  expect(created!.data).toEqual({
    invoice_id: invoice.number,
    status: 'open',
    amount: 129.9,
    currency: 'BRL',
    contact_id: contact.id,
    customer_email: 'payer@example.com',
    due_at: '2030-01-31T00:00:00.000Z',
  });
  const path = `/api/v1/invoices/${invoice.id}`;
  await api.patch(path, { amount: 129.9, dueAt: '2030-01-31T01:00:00+01:00' });
  await api.patch(path, { dueAt: null });
  const [, moved] = await partner.hears('invoice.created', 'invoice.updated');
  expect(moved!.data).toMatchObject({
    due_at: null,
    changes: { due_at: { old: '2030-01-31T00:00:00.000Z', new: null } },
  });
  const paid = await api.patch(path, { status: 'paid' });
  expect(paid).toMatchObject({ status: 'paid', paidAt: clock.now().toISOString() });
  const told = await partner.hears('invoice.created', 'invoice.updated', 'invoice.updated', 'invoice.paid');
  expect(told[3]!.data).toMatchObject({ invoice_id: invoice.number, status: 'paid', paid_at: paid.paidAt });
  await api.patch(path, { status: 'refunded' });
  await partner.hears('invoice.created', 'invoice.updated', 'invoice.updated', 'invoice.paid', 'invoice.updated');
  expect(await api.get(path)).toMatchObject({ status: 'refunded', paidAt: paid.paidAt });
});

it('payment.received pays the invoice that was made here, once, and keeps the cents', async () => {
  const invoice = await make({ amount: '10', currency: 'BRL' });
  await partner.hears('invoice.created');
  const payment = { amount: '1000000000000.1', customer_email: 'new@example.com', invoice_id: invoice.number };
  for (let i = 0; i < 2; i++) {
    const answer = await capture(app, 'payment.received', payment);
    const event = await ended(api, JSON.parse(answer.body).id, 'processed');
    expect(event.result.did).toEqual({ invoiceId: invoice.id, created: false, paid: i === 0 });
  }
  expect(await api.get(`/api/v1/invoices/${invoice.id}`)).toMatchObject({
    status: 'paid',
    amount: '1000000000000.10',
    currency: 'BRL',
    customerEmail: 'new@example.com',
  });
  const [, , paid] = await partner.hears('invoice.created', 'invoice.updated', 'invoice.paid');
  expect(paid!.metadata).toMatchObject({ 'x-posthaste-hops': 1, inboundEventId: expect.any(String) });
});

it('bad input is refused with a pointer, a number that is taken with 409', async () => {
  const first = await make({ number: 'A-1' });
  expect(pointers(await make({ number: 'A-1' }, 409))).toEqual(['/number']);
  const second = await make();
  await api.patch(`/api/v1/invoices/${second.id}`, { number: 'A-1' }, 409);
  await other.api.post('/api/v1/invoices', { number: 'A-1' }, 201);
  for (const [fields, pointer] of [
    [{ number: '' }, '/number'],
    [{ number: null }, '/number'],
    [{ status: 'Paid!' }, '/status'],
    [{ status: null }, '/status'],
    [{ amount: '1,50' }, '/amount'],
    [{ customerEmail: 'nobody' }, '/customerEmail'],
    [{ dueAt: '2030-13-01T00:00:00Z' }, '/dueAt'],
    [{ contactId: 7 }, '/contactId'],
  ] as const) {
    expect(pointers(await make(fields, 422))).toEqual([pointer]);
    expect(pointers(await api.patch(`/api/v1/invoices/${first.id}`, fields, 422))).toEqual([pointer]);
  }
  const theirs = await makeContact(app, {}, other.id);
  expect(pointers(await make({ contactId: theirs.id }, 404))).toEqual(['/contactId']);
});

it('another tenant finds nothing of it', async () => {
  const { id } = await make();
  const path = `/api/v1/invoices/${id}`;
  await other.api.get(path, 404);
  await other.api.patch(path, { status: 'paid' }, 404);
  await other.api.delete(path, 404);
  await api.delete(path);
  await api.get(path, 404);
});

it('the list goes page by page and takes filters', async () => {
  const contact = await makeContact(app);
  const made = [];
  for (let n = 1; n <= 4; n++)
    made.unshift(
      await make({ contactId: contact.id, dueAt: `2031-05-0${n}T12:00:00Z`, status: n < 3 ? 'open' : 'void' }),
    );
  const ids = made.map(({ id }) => id);
  const of = `/api/v1/invoices?contactId=${contact.id}`;
  expect((await pagesOf(api, of)).map(({ id }) => id)).toEqual(ids);
  const listed = async (filter: string) => (await api.get(`${of}&${filter}`)).data.map(({ id }: { id: string }) => id);
  expect(await listed('status=void')).toEqual(ids.slice(0, 2));
  expect(await listed('dueFrom=2031-05-02&dueBefore=2031-05-03')).toEqual([ids[2]]);
  expect(await listed(`number=${made[3].number}`)).toEqual([ids[3]]);
});
