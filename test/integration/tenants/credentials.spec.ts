import { Controller, Get, Module, Post } from '@nestjs/common';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurrentPrincipal, CurrentTenant, RequireScope, TenantKeyed } from '../../../src/tenants/access.decorator.js';
import type { Principal } from '../../../src/tenants/principal.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { addMember, as, createKey, createTenant, logIn } from './tenancy.js';

@Controller('probe')
class ProbeController {
  @Get()
  who(@CurrentPrincipal() principal: Principal) {
    return { kind: principal.kind, id: principal.id, tenantId: principal.tenantId };
  }

  @Post('events')
  @RequireScope('events:write')
  write() {
    return { ok: true };
  }

  @Post('inbound')
  @TenantKeyed()
  @RequireScope('inbound:write')
  inbound(@CurrentTenant() tenantId: string) {
    return { tenantId };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

let app: TestApp;
let owner: string;
beforeAll(async () => {
  app = await startTestApp({ modules: [ProbeModule] });
  owner = await logIn(app, app.owner);
});
afterAll(() => app.close());

const probe = (headers: Record<string, string>) => request(app.url).get('/probe').set(headers);

describe('a request', () => {
  it('is known by a session token or key as bearer, or a key in X-API-Key', async () => {
    expect((await probe({ authorization: `Bearer ${owner}` }).expect(200)).body.kind).toBe('member');
    expect((await probe({ authorization: `bearer ${app.apiKey}` }).expect(200)).body.kind).toBe('api-key');
    const { body } = await probe({ 'x-api-key': app.apiKey }).expect(200);
    expect(body).toMatchObject({ kind: 'api-key', tenantId: app.tenant.id });
  });

  it.each([
    ['nothing', {}, /has no credential\. Send "Authorization: Bearer/],
    ['another scheme', { authorization: 'Basic b3duZXI6eA==' }, /must be "Bearer <session token or API key>"/],
    ['a bare token', { authorization: 'phk_testkey1_0123456789abcdef0123456789ABCDEF' }, /must be "Bearer/],
    ['no token', { authorization: 'Bearer ' }, /must be "Bearer/],
    ['something else', { authorization: 'Bearer eyJhbGciOi' }, /neither a session token \(phs_…\) nor an API key/],
    ['an unknown session', { authorization: `Bearer phs_${'x'.repeat(43)}` }, /session token is unknown/],
    ['an unknown key', { 'x-api-key': `phk_unknown1_${'x'.repeat(43)}` }, /unknown or its secret part is wrong/],
    ['a wrong secret', { 'x-api-key': `phk_testkey1_${'x'.repeat(32)}` }, /unknown or its secret part is wrong/],
    ['a half key', { 'x-api-key': 'phk_testkey1' }, /must hold one API key of the form phk_<id>_<secret>/],
  ])('with %s is refused with what to do', async (_name, headers, detail) => {
    const response = await probe(headers as Record<string, string>).expect(401);
    expect(response.body).toMatchObject({ code: 'unauthenticated', detail: expect.stringMatching(detail) });
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.headers['www-authenticate']).toBe('Bearer realm="posthaste"');
  });

  it('with a session token in X-API-Key is refused', async () => {
    expect((await probe({ 'x-api-key': owner }).expect(401)).body.detail).toMatch(/X-API-Key must hold one API key/);
  });

  it('with two different credentials is refused, with the same one twice it is not', async () => {
    const { body } = await probe({ authorization: `Bearer ${owner}`, 'x-api-key': app.apiKey }).expect(401);
    expect(body.detail).toMatch(/two different credentials/);
    await probe({ authorization: `Bearer ${app.apiKey}`, 'x-api-key': app.apiKey }).expect(200);
  });
});

describe('X-Admin-ID', () => {
  it('may name the holder of the credential', async () => {
    const { body: member } = await as(app, owner).get('/probe').expect(200);
    const { body: key } = await as(app, app.apiKey).get('/probe').expect(200);
    for (const name of [member.id, app.owner.email])
      await as(app, owner).get('/probe').set('X-Admin-ID', name).expect(200);
    for (const name of [key.id, 'testkey1'])
      await as(app, app.apiKey).get('/probe').set('X-Admin-ID', name).expect(200);
  });

  it('must not name anybody else', async () => {
    const { body } = await as(app, owner).get('/probe').set('X-Admin-ID', 'admin-123').expect(401);
    expect(body).toMatchObject({
      code: 'admin_id_mismatch',
      detail: expect.stringContaining('X-Admin-ID is "admin-123"'),
    });
  });

  it('alone is no credential, and the answer says what to send', async () => {
    const { body } = await probe({ 'x-admin-id': 'admin-123' }).expect(401);
    expect(body.detail).toMatch(
      /X-Admin-ID says who you are but does not prove it.*Send "Authorization: Bearer .*X-API-Key/,
    );
  });
});

describe('scopes', () => {
  it('a key may do what its scopes say and nothing else', async () => {
    const reader = await createKey(app, owner, ['events:read']);
    const { body } = await as(app, reader.key).post('/probe/events').expect(403);
    expect(body).toMatchObject({ code: 'missing_scope', detail: expect.stringContaining('"events:write"') });
    const writer = await createKey(app, owner, ['events:write']);
    await as(app, writer.key).post('/probe/events').expect(201);
    await as(app, writer.key).get('/api/v1/api-keys').expect(403);
  });

  it('a member may do what his role says', async () => {
    const viewer = await addMember(app, owner, 'viewer');
    const developer = await addMember(app, owner, 'developer');
    const admin = await addMember(app, owner, 'admin');
    const { body } = await as(app, viewer.token).post('/probe/events').expect(403);
    expect(body.detail).toContain('Your role (viewer)');
    await as(app, developer.token).post('/probe/events').expect(201);
    await as(app, developer.token).get('/api/v1/members').expect(403);
    await as(app, admin.token).get('/api/v1/members').expect(200);
  });
});

describe('X-Tenant-ID with X-API-Key', () => {
  const inbound = (headers: Record<string, string>) => request(app.url).post('/probe/inbound').set(headers);

  it('are accepted when they belong together', async () => {
    const { body } = await inbound({ 'x-tenant-id': app.tenant.id, 'x-api-key': app.apiKey }).expect(201);
    expect(body).toEqual({ tenantId: app.tenant.id });
    await inbound({ 'x-tenant-id': app.tenant.id.toUpperCase(), 'x-api-key': app.apiKey }).expect(201);
  });

  it('get one answer for an unknown tenant, another tenant, a wrong key and a revoked one', async () => {
    const other = await createTenant(app, 'pair');
    const revoked = await createKey(app, owner, ['inbound:write']);
    await as(app, owner).delete(`/api/v1/api-keys/${revoked.id}`).expect(204);
    const details = new Set<string>();
    for (const [tenantId, key] of [
      ['0190f0a0-0000-7000-8000-000000000000', app.apiKey],
      ['not-a-tenant', app.apiKey],
      [other.id, app.apiKey],
      [app.tenant.id, other.apiKey],
      [app.tenant.id, revoked.key],
      [app.tenant.id, 'your-secure-api-key'],
    ] as const) {
      const { body } = await inbound({ 'x-tenant-id': tenantId, 'x-api-key': key }).expect(401);
      details.add(body.detail);
    }
    expect([...details]).toEqual(['X-Tenant-ID and X-API-Key are not a valid pair.']);
  });

  it('are both needed, and the missing one is named', async () => {
    expect((await inbound({ 'x-api-key': app.apiKey }).expect(401)).body.detail).toContain('X-Tenant-ID is missing');
    expect((await inbound({ 'x-tenant-id': app.tenant.id }).expect(401)).body.detail).toContain('X-API-Key is missing');
    expect((await inbound({}).expect(401)).body.detail).toContain('X-Tenant-ID and X-API-Key are missing');
    const bearer = { authorization: `Bearer ${app.apiKey}` };
    expect((await inbound(bearer).expect(401)).body.detail).toContain('X-Tenant-ID and X-API-Key are missing');
  });

  it('need the scope of the route too', async () => {
    const reader = await createKey(app, owner, ['inbound:read']);
    const { body } = await inbound({ 'x-tenant-id': app.tenant.id, 'x-api-key': reader.key }).expect(403);
    expect(body.code).toBe('missing_scope');
  });
});
