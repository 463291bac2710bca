import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TenantSettings } from '../../../src/tenants/tenant-settings.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { TestClock } from '../../support/test-clock.js';
import { as, createKey, createTenant, slowDownCommits } from './tenancy.js';

// A clock that stands still: nothing that is remembered gets too old, so what is seen to change was announced.
const clock = new TestClock();
let app: TestApp;
let second: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock, config: { DELIVERY_TIMEOUT_MS: '7000' } });
  second = await startTestApp({ clock, database: app.database, config: { DELIVERY_TIMEOUT_MS: '7000' } });
});
afterAll(async () => {
  await second.close();
  await app.close();
});

const DEFAULTS = {
  signatureFormat: 'hex',
  bodyFormat: 'envelope',
  retrySchedule: [0, 60, 300, 900, 3600],
  timeoutMs: 7000,
  vocabularies: ['crm', 'flowkick', 'pt-BR'],
  inboundIpAllowlist: [],
  rateLimits: { apiPerMinute: null, inboundPerMinute: null, inboundPerSenderPerMinute: null },
  retentionDays: 30,
  strictEventTypes: false,
  defaultCountry: null,
  own: [],
};
const CHOSEN = {
  signatureFormat: 'sha256=',
  bodyFormat: 'cloudevents',
  retrySchedule: [0, 5, 10],
  timeoutMs: 5000,
  vocabularies: ['pt-BR'],
  inboundIpAllowlist: ['203.0.113.7', '198.51.100.0/24', '2001:db8::/32'],
  rateLimits: { apiPerMinute: 5000, inboundPerMinute: 600, inboundPerSenderPerMinute: 60 },
  retentionDays: 7,
  strictEventTypes: true,
  defaultCountry: 'BR',
};
const show = (key: string) => as(app, key).get('/api/v1/tenant').expect(200);
const patch = (key: string, settings: object) => as(app, key).patch('/api/v1/tenant').send({ settings });

describe('settings of a tenant', () => {
  it('are the defaults until it chooses, and again after null', async () => {
    const { apiKey, id } = await createTenant(app, 'chooser');
    expect((await show(apiKey)).body).toMatchObject({
      id,
      slug: 'chooser',
      name: 'Tenant chooser',
      settings: DEFAULTS,
    });

    const chosen = await patch(apiKey, CHOSEN).expect(200);
    expect(chosen.body.settings).toEqual({ ...CHOSEN, own: expect.arrayContaining(Object.keys(CHOSEN)) });
    expect((await show(apiKey)).body).toEqual(chosen.body);

    const partly = await patch(apiKey, { timeoutMs: null, rateLimits: { inboundPerMinute: null } }).expect(200);
    expect(partly.body.settings).toMatchObject({
      timeoutMs: 7000,
      bodyFormat: 'cloudevents',
      rateLimits: { apiPerMinute: 5000, inboundPerMinute: null, inboundPerSenderPerMinute: 60 },
    });
    expect(partly.body.settings.own).not.toContain('timeoutMs');

    const none = Object.fromEntries(Object.keys(CHOSEN).map((name) => [name, null]));
    expect((await patch(apiKey, none).expect(200)).body.settings).toEqual(DEFAULTS);
  });

  it('do not lose one of two changes made at the same time', async () => {
    const { apiKey } = await createTenant(app, 'hasty');
    const undo = await slowDownCommits(app, 'tenants');
    const answers = await Promise.all([patch(apiKey, { timeoutMs: 2000 }), patch(apiKey, { retentionDays: 3 })]);
    await undo();
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect((await show(apiKey)).body.settings).toMatchObject({ timeoutMs: 2000, retentionDays: 3 });
  });

  it('need the scope admin to change, and only a credential to see', async () => {
    const { apiKey } = await createTenant(app, 'careful');
    const { key } = await createKey(app, apiKey, ['events:read']);
    await show(key);
    await patch(key, { timeoutMs: 2000 }).expect(403);
    const renamed = await as(app, apiKey).patch('/api/v1/tenant').send({ name: 'Careful & Sons' }).expect(200);
    expect(renamed.body).toMatchObject({ slug: 'careful', name: 'Careful & Sons', settings: DEFAULTS });
  });

  it.each([
    [{ signatureFormat: 'base64' }, '/settings/signatureFormat'],
    [{ bodyFormat: 'xml' }, '/settings/bodyFormat'],
    [{ retrySchedule: [] }, '/settings/retrySchedule'],
    [{ retrySchedule: [0, -1] }, '/settings/retrySchedule'],
    [{ retrySchedule: [0, 1.5] }, '/settings/retrySchedule'],
    [{ timeoutMs: 999 }, '/settings/timeoutMs'],
    [{ timeoutMs: 60_001 }, '/settings/timeoutMs'],
    [{ vocabularies: ['klingon'] }, '/settings/vocabularies'],
    [{ inboundIpAllowlist: ['10.0.0.0/33'] }, '/settings/inboundIpAllowlist'],
    [{ inboundIpAllowlist: ['example.com'] }, '/settings/inboundIpAllowlist'],
    [{ rateLimits: { apiPerMinute: 0 } }, '/settings/rateLimits/apiPerMinute'],
    [{ rateLimits: 5 }, '/settings/rateLimits'],
    [{ retentionDays: 0 }, '/settings/retentionDays'],
    [{ strictEventTypes: 'yes' }, '/settings/strictEventTypes'],
    [{ defaultCountry: 'Brazil' }, '/settings/defaultCountry'],
    [{ colour: 'blue' }, '/settings/colour'],
  ])('refuse %j with a pointer', async (settings, pointer) => {
    const { body } = await patch(app.apiKey, settings).expect(422);
    expect(body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it('name the network that is none', async () => {
    const { body } = await patch(app.apiKey, { inboundIpAllowlist: ['10.0.0.0/8', 'example.com'] }).expect(422);
    expect(body.detail).toContain('example.com');
  });

  it('are remembered by every process until they change in any of them', async () => {
    const { apiKey, id } = await createTenant(app, 'remembered');
    const here = app.app.get(TenantSettings);
    const there = second.app.get(TenantSettings);
    expect((await here.get(id)).timeoutMs).toBe(7000);
    const remembered = await there.get(id);
    expect(await there.get(id)).toBe(remembered);

    await as(second, apiKey)
      .patch('/api/v1/tenant')
      .send({ settings: { timeoutMs: 1234 } })
      .expect(200);
    expect((await there.get(id)).timeoutMs).toBe(1234);
    await eventually(async () => expect((await here.get(id)).timeoutMs).toBe(1234));
  });
});

describe('the API limit of a tenant', () => {
  it('holds for all its credentials together, in every process, and for no other tenant', async () => {
    const limited = await createTenant(app, 'limited');
    const free = await createTenant(app, 'free');
    const { key } = await createKey(app, limited.apiKey, ['admin']);
    await patch(limited.apiKey, { rateLimits: { apiPerMinute: 3 } }).expect(200);
    await eventually(async () =>
      expect((await second.app.get(TenantSettings).get(limited.id)).rateLimits.apiPerMinute).toBe(3),
    );

    await show(limited.apiKey);
    await show(key);
    await as(second, key).get('/api/v1/tenant').expect(200);
    for (const instance of [app, second]) {
      const { body, headers } = await as(instance, limited.apiKey).get('/api/v1/tenant').expect(429);
      expect(body).toMatchObject({ code: 'rate_limited', detail: expect.stringContaining('3 API requests a minute') });
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(headers.ratelimit).toBe(`"api";r=0;t=${headers['retry-after']}`);
    }
    await show(free.apiKey);
  });
});
