import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant } from '../inbound/inbound.js';
import { makeContact, Partner, pagesOf, pointers } from './crm.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let other: Awaited<ReturnType<typeof anotherTenant>>;
let partner: Partner;

beforeAll(async () => {
  app = await startTestApp({ clock });
  api = Api.of(app);
  other = await anotherTenant(app, 'other-deals');
});
afterAll(() => app.close());
beforeEach(async () => {
  partner = await Partner.of(api, ['deal.*']);
});
afterEach(() => partner.leave());

const make = (fields: object = {}, status = 201) => api.post('/api/v1/deals', fields, status);
const stage = (key: string, outcome = 'open') => ({ key, name: key.toUpperCase(), outcome });

describe('a deal', () => {
  it('goes through the pipeline, and is told when it is made, changed and won', async () => {
    const contact = await makeContact(app);
    const deal = await make({ title: 'Annual plan', contactId: contact.id, amount: 1290.5, currency: 'brl' });
    expect(deal).toMatchObject({ stage: 'new', amount: '1290.50', currency: 'BRL', wonAt: null });
    const [created] = await partner.hears('deal.created');
    expect(created!.data).toEqual({
      deal_id: deal.id,
      stage: 'new',
      title: 'Annual plan',
      amount: 1290.5,
      currency: 'BRL',
      contact_id: contact.id,
    });
    const path = `/api/v1/deals/${deal.id}`;
    await api.patch(path, { amount: '1290.5000', title: 'Annual plan', stage: 'New' });
    const won = await api.patch(path, { stage: 'won', amount: '1300' });
    expect(won).toMatchObject({ stage: 'won', amount: '1300.00', wonAt: clock.now().toISOString() });
    const [, updated, told] = await partner.hears('deal.created', 'deal.updated', 'deal.won');
    expect(updated!.data).toMatchObject({
      stage: 'won',
      changes: {
        stage: { old: 'new', new: 'won' },
        amount: { old: 1290.5, new: 1300 },
        won_at: { old: null, new: won.wonAt },
      },
    });
    expect(told!.data).toMatchObject({ deal_id: deal.id, stage: 'won', amount: 1300, won_at: won.wonAt });

    expect(await api.patch(path, { stage: 'lost' })).toMatchObject({ wonAt: null, lostAt: clock.now().toISOString() });
    expect(await api.patch(path, { stage: 'proposal' })).toMatchObject({ wonAt: null, lostAt: null });
    await partner.hears('deal.created', 'deal.updated', 'deal.won', 'deal.updated', 'deal.updated');
  });

  it('that is won from the start is told as both', async () => {
    await make({ stage: 'won' });
    await partner.hears('deal.created', 'deal.won');
  });

  it('keeps every cent', async () => {
    for (const amount of ['9999999999999.9999', '0.01', '0.1234', '100.10'])
      expect(await api.get(`/api/v1/deals/${(await make({ amount })).id}`)).toMatchObject({ amount });
    expect(await make({ amount: null })).toMatchObject({ amount: null });
  });

  it.each([
    [{ stage: 'nowhere' }, '/stage'],
    [{ stage: null }, '/stage'],
    [{ amount: -1 }, '/amount'],
    [{ amount: '1.23456' }, '/amount'],
    [{ amount: 'much' }, '/amount'],
    [{ amount: true }, '/amount'],
    [{ currency: 'reais' }, '/currency'],
    [{ wonAt: '2030-01-01T00:00:00Z' }, '/wonAt'],
  ])('is refused as %j, with a pointer', async (fields, pointer) => {
    expect(pointers(await make(fields, 422))).toEqual([pointer]);
    const { id } = await make();
    expect(pointers(await api.patch(`/api/v1/deals/${id}`, fields, 422))).toEqual([pointer]);
  });

  it('with the external id of another is refused, of another tenant it is not found', async () => {
    const deal = await make({ externalId: 'twenty:1' });
    expect(pointers(await make({ externalId: 'twenty:1' }, 409))).toEqual(['/externalId']);
    const second = await make();
    await api.patch(`/api/v1/deals/${second.id}`, { externalId: 'twenty:1' }, 409);
    await other.api.post('/api/v1/deals', { externalId: 'twenty:1' }, 201);
    const path = `/api/v1/deals/${deal.id}`;
    await other.api.get(path, 404);
    await other.api.patch(path, { title: 'x' }, 404);
    await other.api.delete(path, 404);
    const theirs = await makeContact(app, {}, other.id);
    expect(pointers(await make({ contactId: theirs.id }, 404))).toEqual(['/contactId']);
    await api.delete(path);
    await api.get(path, 404);
  });

  it('is listed page by page, by contact, stage and outcome', async () => {
    const contact = await makeContact(app);
    const made = [];
    for (const key of ['new', 'won', 'lost', 'won']) made.unshift(await make({ contactId: contact.id, stage: key }));
    const of = `/api/v1/deals?contactId=${contact.id}`;
    const ids = made.map(({ id }) => id);
    expect((await pagesOf(api, of)).map(({ id }) => id)).toEqual(ids);
    const listed = async (filter: string) =>
      (await api.get(`${of}&${filter}`)).data.map(({ id }: { id: string }) => id);
    expect(await listed('stage=lost')).toEqual([ids[1]]);
    expect(await listed('won=true')).toEqual([ids[0], ids[2]]);
    expect(await listed('won=false&lost=false')).toEqual([ids[3]]);
  });
});

describe('the pipeline', () => {
  it('is built in until a tenant makes its own, whose won stage is told as won', async () => {
    const builtIn = await other.api.get('/api/v1/deal-stages');
    expect(builtIn.data.map(({ key }: { key: string }) => key)).toEqual([
      'new',
      'qualified',
      'proposal',
      'negotiation',
      'won',
      'lost',
    ]);
    for (const { id } of (await other.api.get('/api/v1/deals')).data) await other.api.delete(`/api/v1/deals/${id}`);
    const stages = [stage('MEETING'), stage('customer', 'won'), stage('reference', 'won')];
    expect(await other.api.put('/api/v1/deal-stages', { stages })).toEqual({ data: stages });
    expect(await other.api.get('/api/v1/deal-stages')).toEqual({ data: stages });
    expect((await api.get('/api/v1/deal-stages')).data).toHaveLength(6);

    const theirPartner = await Partner.of(other.api, ['deal.*']);
    const deal = await other.api.post('/api/v1/deals', {}, 201);
    expect(deal.stage).toBe('MEETING');
    const { wonAt } = await other.api.patch(`/api/v1/deals/${deal.id}`, { stage: 'Customer' });
    const [, updated] = await theirPartner.hears('deal.created', 'deal.updated', 'deal.won');
    expect(updated!.data).toMatchObject({ stage: 'won', changes: { stage: { old: 'MEETING', new: 'won' } } });
    clock.advance({ minutes: 1 });
    expect(await other.api.patch(`/api/v1/deals/${deal.id}`, { stage: 'reference' })).toMatchObject({ wonAt });
    await theirPartner.hears('deal.created', 'deal.updated', 'deal.won', 'deal.updated');
    await theirPartner.leave();

    await other.api.delete('/api/v1/deal-stages', 409);
    await other.api.delete(`/api/v1/deals/${deal.id}`);
    await other.api.delete('/api/v1/deal-stages');
    expect(await other.api.get('/api/v1/deal-stages')).toEqual(builtIn);
  });

  it.each([
    [[], '/stages'],
    [[stage('won', 'won')], '/stages'],
    [[stage('new'), stage('New')], '/stages/1/key'],
    [[stage('a b')], '/stages/0/key'],
    [[stage('new', 'maybe')], '/stages/0/outcome'],
  ])('is refused as %j, with a pointer', async (stages, pointer) => {
    expect(pointers(await api.put('/api/v1/deal-stages', { stages }, 422))).toEqual([pointer]);
  });

  it('keeps the stages that deals are in', async () => {
    await make({ stage: 'negotiation' });
    const refused = await api.put('/api/v1/deal-stages', { stages: [stage('new')] }, 409);
    expect(refused.detail).toContain('negotiation');
    expect((await api.get('/api/v1/deal-stages')).data).toHaveLength(6);
  });
});
