import { Body, Controller, Get, HttpCode, Module, Param, Post, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/core/errors.js';
import { OwnIdempotency } from '../../../src/http/idempotency.interceptor.js';
import { IdempotencyStore } from '../../../src/http/idempotency.store.js';
import { ExpirySweeper } from '../../../src/tenants/expiry-sweeper.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { as, createKey, createTenant } from './tenancy.js';

let calls = 0;
let gate = Promise.resolve();
let entered = () => {};

@Controller('probe')
class ProbeController {
  @Post()
  create(@Body() body: object) {
    return { call: ++calls, body, at: new Date('2026-01-02T03:04:05Z') };
  }

  @Post('updated')
  update(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.status(200);
    return { call: ++calls };
  }

  @Post('nothing')
  @HttpCode(204)
  nothing() {
    calls++;
  }

  @Post('slow')
  async slow() {
    const call = ++calls;
    entered();
    await gate;
    return { call };
  }

  @Post('fails/:how')
  fail(@Param('how') how: string) {
    calls++;
    if (how === 'crash') throw new Error('a bug');
    if (how === 'invalid') throw new AppError('invalid_request', { detail: `call ${calls}` });
    if (how === 'conflict') throw new AppError('conflict', { detail: `call ${calls}` });
    throw new AppError('not_found', { detail: `call ${calls}` });
  }

  @Post('own')
  @OwnIdempotency()
  own() {
    return { call: ++calls };
  }

  @Get()
  read() {
    return { call: ++calls };
  }

  @Put()
  replace() {
    return { call: ++calls };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const clock = new TestClock();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock, modules: [ProbeModule] });
});
afterAll(() => app.close());
beforeEach(() => {
  calls = 0;
});

const post = (path: string, key: string, body: object = {}, credential = app.apiKey) =>
  as(app, credential).post(path).set('Idempotency-Key', key).send(body);

describe('the same Idempotency-Key with the same request', () => {
  it('gets the same status and bytes again, marked as repeated, and nothing is done twice', async () => {
    const first = await post('/probe', 'same', { a: 1 }).expect(201);
    const again = await post('/probe', 'same', { a: 1 }).expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    expect(first.headers).not.toHaveProperty('idempotent-replayed');
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(calls).toBe(1);
  });

  it('keeps a status the route chose, and an answer without a body', async () => {
    for (let i = 0; i < 2; i++) await post('/probe/updated', 'chosen').expect(200, { call: 1 });
    for (let i = 0; i < 2; i++) await post('/probe/nothing', 'empty').expect(204, '');
    expect(calls).toBe(2);
  });

  it('gets a secret that is shown once again, which is nowhere readable in the database', async () => {
    const body = { name: 'mine', scopes: ['events:read'] };
    const first = await post('/api/v1/api-keys', 'a-key', body).expect(201);
    const again = await post('/api/v1/api-keys', 'a-key', body).expect(201);
    expect(again.body).toEqual(first.body);
    await as(app, again.body.key).get('/api/auth/me').expect(200);
    const rows = await app.database.query<{ response: string }>(
      'select response from idempotency_keys where key = $1',
      ['a-key'],
    );
    const stored = Buffer.from(rows[0]?.response as string, 'base64');
    expect(stored.length).toBeGreaterThan(100);
    expect(stored.includes(first.body.key)).toBe(false);
    expect(stored.includes('mine')).toBe(false);
  });

  it('is in the audit log once', async () => {
    const body = { name: 'audited', scopes: ['events:read'] };
    const { body: made } = await post('/api/v1/api-keys', 'audited', body).expect(201);
    await post('/api/v1/api-keys', 'audited', body).expect(201);
    expect(await app.prisma.auditEntry.count({ where: { targetId: made.id, action: 'api_key.created' } })).toBe(1);
  });

  it('is done anew after 24 hours, when the key is removed too', async () => {
    await post('/probe', 'a-day').expect(201);
    clock.advance({ hours: 23, minutes: 59 });
    await post('/probe', 'a-day').expect(201);
    expect(calls).toBe(1);
    clock.advance({ minutes: 2 });
    await post('/probe', 'a-day', { another: 'body' }).expect(201);
    expect(calls).toBe(2);

    const keys = () => app.database.query('select key from idempotency_keys order by key');
    clock.advance({ hours: 24, seconds: 1 });
    await post('/probe', 'young').expect(201);
    await app.app.get(ExpirySweeper).sweep();
    expect(await keys()).toEqual([{ key: 'young' }]);
  });

  it('waits for nobody: of requests that come together one is done, the others are told to come back', async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const running = post('/probe/slow', 'together').then((answer) => answer);
    await begun;
    const others = await Promise.all([1, 2, 3, 4, 5].map(() => post('/probe/slow', 'together')));
    open();
    expect((await running).body).toEqual({ call: 1 });
    for (const { status, body, headers } of others) {
      expect([status, body.code, headers['retry-after']]).toEqual([409, 'idempotency_in_progress', '1']);
    }
    await post('/probe/slow', 'together').expect(201, { call: 1 });
    expect(calls).toBe(1);
  });

  it('is done once, however many come at the very same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/probe', 'burst', { b: 1 })));
    expect(calls).toBe(1);
    for (const { status, body } of answers) {
      if (status === 201) expect(body.call).toBe(1);
      else expect([status, body.code]).toEqual([409, 'idempotency_in_progress']);
    }
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
  });

  it('can be used again two minutes after its process died in the middle', async () => {
    const now = clock.now();
    const expiredBefore = new Date(now.getTime() - 86_400_000);
    const abandonedBefore = new Date(now.getTime() - 120_000);
    const dead = { now, expiredBefore, abandonedBefore };
    const hash = (
      await (async () => {
        await post('/probe', 'died', { c: 1 }).expect(201);
        return app.database.query<{ request_hash: Buffer }>(
          `delete from idempotency_keys where key = 'died' returning request_hash`,
        );
      })()
    )[0]?.request_hash as Buffer;
    expect((await app.app.get(IdempotencyStore).claim(app.tenant.id, 'died', hash, dead)).kind).toBe('claimed');

    await post('/probe', 'died', { c: 1 }).expect(409);
    clock.advance({ minutes: 2, seconds: 1 });
    await post('/probe', 'died', { c: 1 }).expect(201);
    expect(calls).toBe(2);
  });
});

describe('an Idempotency-Key with another request', () => {
  it('is refused: another body, another path, another query', async () => {
    await post('/probe', 'taken', { a: 1 }).expect(201);
    for (const [path, body] of [
      ['/probe', { a: 2 }],
      ['/probe/updated', { a: 1 }],
      ['/probe?x=1', { a: 1 }],
    ] as const) {
      const refused = await post(path, 'taken', body).expect(422);
      expect(refused.body).toMatchObject({
        code: 'idempotency_key_reused',
        detail: expect.stringContaining('"taken"'),
      });
    }
    expect(calls).toBe(1);
  });

  it('is another key in another tenant, and the same one with another credential of the tenant', async () => {
    const other = await createTenant(app, 'other');
    const { key: colleague } = await createKey(app, app.apiKey, ['events:read']);
    await post('/probe', 'shared', { a: 1 }).expect(201);
    await post('/probe', 'shared', { a: 2 }, other.apiKey).expect(201);
    await post('/probe', 'shared', { a: 1 }, colleague).expect(201);
    expect(calls).toBe(2);
  });
});

describe('a request that is refused', () => {
  it.each([
    ['not-found', 404],
    ['conflict', 409],
  ])('with %s is refused the same way again: that was its outcome', async (how, status) => {
    const first = await post(`/probe/fails/${how}`, `fails-${how}`).expect(status);
    const again = await post(`/probe/fails/${how}`, `fails-${how}`).expect(status);
    expect(again.body).toEqual({ ...first.body, requestId: again.body.requestId });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(calls).toBe(1);
  });

  it.each([
    ['invalid', 422],
    ['crash', 500],
  ])('with %s frees the key', async (how, status) => {
    await post(`/probe/fails/${how}`, `frees-${how}`).expect(status);
    await post(`/probe/fails/${how}`, `frees-${how}`).expect(status);
    expect(calls).toBe(2);
    await post('/probe', `frees-${how}`).expect(201);
  });

  it('for its fields or its credential uses no key up', async () => {
    await post('/api/v1/api-keys', 'fields', { name: 'x' }).expect(422);
    await post('/api/v1/api-keys', 'fields', { name: 'x', scopes: ['events:read'] }).expect(201);
    const { key } = await createKey(app, app.apiKey, ['events:read']);
    await post('/api/v1/api-keys', 'rights', { name: 'y', scopes: ['events:read'] }, key).expect(403);
    await post('/api/v1/api-keys', 'rights', { name: 'z', scopes: ['events:read'] }).expect(201);
  });

  it('for the key itself is told what a key looks like', async () => {
    for (const key of ['x'.repeat(256), 'with space', 'ação']) {
      const { body } = await post('/probe', encodeKey(key)).expect(422);
      expect(body.errors[0].pointer).toBe('header Idempotency-Key');
    }
    expect(calls).toBe(0);
  });
});

it('reads the header only where something is made: not on GET or PUT, nor where a route has its own way', async () => {
  await as(app, app.apiKey).get('/probe').set('Idempotency-Key', 'k').expect(200, { call: 1 });
  await as(app, app.apiKey).get('/probe').set('Idempotency-Key', 'k').expect(200, { call: 2 });
  await as(app, app.apiKey).put('/probe').set('Idempotency-Key', 'k').expect(200, { call: 3 });
  await post('/probe/own', 'k').expect(201, { call: 4 });
  await post('/probe/own', 'k').expect(201, { call: 5 });
});

/** As Node sends it: header values are Latin-1. */
const encodeKey = (key: string) => Buffer.from(key, 'utf8').toString('latin1');
