import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant } from '../inbound/inbound.js';
import { makeContact, Partner, pagesOf, pointers, totalsOf } from './crm.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let other: Awaited<ReturnType<typeof anotherTenant>>;
let partner: Partner;
let contact: { id: string };

beforeAll(async () => {
  app = await startTestApp({ clock });
  api = Api.of(app);
  other = await anotherTenant(app, 'other-codes');
});
afterAll(() => app.close());
beforeEach(async () => {
  contact = await makeContact(app);
  partner = await Partner.of(api, ['qr.*']);
});
afterEach(() => partner.leave());

const make = (fields: object = {}, status = 201) =>
  api.post('/api/v1/qr-codes', { contactId: contact.id, ...fields }, status);

it('a code is scanned any number of times, and its contact counts the scans', async () => {
  const made = await make({ code: 'FREE-COFFEE-7Q2M', purpose: 'coffee' });
  expect(made).toMatchObject({ scanCount: 0, scannedAt: null, validatedAt: null });
  const path = '/api/v1/qr-codes/FREE-COFFEE-7Q2M';
  expect(await api.post(`${path}/scan`, { scannedBy: 'till-1' }, 200)).toMatchObject({ scanCount: 1 });
  const scanned = await api.post(`${path}/scan`, {}, 200);
  expect(scanned).toMatchObject({ scanCount: 2, scannedBy: null, scannedAt: clock.now().toISOString() });
  expect(await api.get(path)).toEqual(scanned);
  expect(await totalsOf(app, contact.id)).toMatchObject({ qrScansCount: 2 });
  await partner.hears('qr.scanned', 'qr.scanned');
  expect(partner.told.find(({ data }) => data.scannedBy === 'till-1')!.data).toMatchObject({
    qrCode: { id: made.id, code: 'FREE-COFFEE-7Q2M', userId: contact.id, scannedBy: 'till-1' },
    user: { id: contact.id, stats: { qrScansCount: 1 } },
  });
});

it('many scans at once are all counted', async () => {
  const { code } = await make();
  await Promise.all(Array.from({ length: 12 }, () => api.post(`/api/v1/qr-codes/${code}/scan`, {}, 200)));
  expect(await api.get(`/api/v1/qr-codes/${code}`)).toMatchObject({ scanCount: 12 });
  expect(await totalsOf(app, contact.id)).toMatchObject({ qrScansCount: 12 });
});

it('a code is validated once; the second time says when and by whom', async () => {
  const { code } = await make();
  expect(code).toMatch(/^[2-9A-Z]{12}$/);
  const path = `/api/v1/qr-codes/${code}/validate`;
  const answers = await Promise.all(
    [0, 1, 2].map(() => api.post(path, { validatedBy: 'door' }, 200).catch(() => null)),
  );
  expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
  clock.advance({ minutes: 1 });
  const { validatedAt } = await api.get(`/api/v1/qr-codes/${code}`);
  const refused = await api.post(path, { validatedBy: 'window' }, 409);
  expect(refused.detail).toContain(validatedAt);
  expect(refused.detail).toContain('"door"');
  const [told] = await partner.hears('qr.validated');
  expect(told!.data).toMatchObject({ qrCode: { code, validatedAt }, user: { id: contact.id } });
  await api.post(`/api/v1/qr-codes/${code}/scan`, {}, 200);
});

it('a code that has expired is neither scanned nor validated, and tells nothing', async () => {
  const expiresAt = new Date(clock.now().getTime() + 60_000).toISOString();
  const { code } = await make({ expiresAt });
  clock.advance({ minutes: 1 });
  for (const act of ['scan', 'validate'])
    expect((await api.post(`/api/v1/qr-codes/${code}/${act}`, {}, 409)).detail).toContain(expiresAt);
  await api.patch(`/api/v1/qr-codes/${code}`, { expiresAt: null });
  await api.post(`/api/v1/qr-codes/${code}/scan`, {}, 200);
  await partner.hears('qr.scanned');
});

it('a code belongs to nobody, or goes to another contact with its scans', async () => {
  const { code } = await make({ contactId: undefined });
  const path = `/api/v1/qr-codes/${code}`;
  await api.post(`${path}/scan`, {}, 200);
  const [told] = await partner.hears('qr.scanned');
  expect(told!.data).toMatchObject({ qrCode: { userId: null }, user: null });
  await api.patch(path, { contactId: contact.id });
  expect(await totalsOf(app, contact.id)).toMatchObject({ qrScansCount: 1 });
  const second = await makeContact(app);
  await api.patch(path, { contactId: second.id });
  expect(await totalsOf(app, contact.id)).toMatchObject({ qrScansCount: 0 });
  expect(await totalsOf(app, second.id)).toMatchObject({ qrScansCount: 1 });
  await api.delete(path);
  expect(await totalsOf(app, second.id)).toMatchObject({ qrScansCount: 0 });
  await api.get(path, 404);
});

it('bad input is refused with a pointer, a code that is taken with 409', async () => {
  await make({ code: 'TAKEN' });
  expect(pointers(await make({ code: 'TAKEN' }, 409))).toEqual(['/code']);
  await other.api.post('/api/v1/qr-codes', { code: 'TAKEN' }, 201);
  for (const [fields, pointer] of [
    [{ code: 'a b' }, '/code'],
    [{ code: 'a/b' }, '/code'],
    [{ code: '' }, '/code'],
    [{ code: null }, '/code'],
    [{ code: 'x'.repeat(101) }, '/code'],
    [{ expiresAt: 'soon' }, '/expiresAt'],
    [{ purpose: null }, '/purpose'],
    [{ scanCount: 5 }, '/scanCount'],
  ] as const)
    expect(pointers(await make(fields, 422))).toEqual([pointer]);
  const longest = await make({ code: 'x'.repeat(100) });
  await api.post(`/api/v1/qr-codes/${longest.code}/scan`, { scannedBy: 'x'.repeat(201) }, 422);
  await api.post(`/api/v1/qr-codes/${longest.code}/scan`, {}, 200);
  const theirs = await makeContact(app, {}, other.id);
  expect(pointers(await make({ contactId: theirs.id }, 404))).toEqual(['/contactId']);
});

it('another tenant finds nothing of it', async () => {
  const { code } = await make();
  const path = `/api/v1/qr-codes/${code}`;
  await other.api.get(path, 404);
  await other.api.patch(path, { purpose: 'x' }, 404);
  await other.api.post(`${path}/scan`, {}, 404);
  await other.api.post(`${path}/validate`, {}, 404);
  await other.api.delete(path, 404);
  expect(await api.get(path)).toMatchObject({ scanCount: 0, validatedAt: null });
});

it('the list goes page by page and takes filters', async () => {
  const made = [];
  for (let n = 0; n < 4; n++) made.unshift(await make({ purpose: n < 2 ? 'tea' : 'cake' }));
  const codes = made.map(({ code }) => code);
  await api.post(`/api/v1/qr-codes/${codes[0]}/scan`, {}, 200);
  await api.post(`/api/v1/qr-codes/${codes[1]}/validate`, {}, 200);
  const of = `/api/v1/qr-codes?contactId=${contact.id}`;
  expect((await pagesOf(api, of)).map(({ id }) => id)).toEqual(made.map(({ id }) => id));
  const listed = async (filter: string) =>
    (await api.get(`${of}&${filter}`)).data.map(({ code }: { code: string }) => code);
  expect(await listed('purpose=tea')).toEqual(codes.slice(2));
  expect(await listed('scanned=true')).toEqual([codes[0]]);
  expect(await listed('scanned=false&validated=true')).toEqual([codes[1]]);
  await api.get('/api/v1/qr-codes?validated=maybe', 422);
});
