import { Controller, Get, Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurrentPrincipal } from '../../../src/tenants/access.decorator.js';
import type { Principal } from '../../../src/tenants/principal.js';
import { TenantChanges } from '../../../src/tenants/tenant-changes.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { TestClock } from '../../support/test-clock.js';
import { addMember, as, createKey, logIn } from './tenancy.js';

@Controller('probe')
class ProbeController {
  /** Answers from the credential alone, without a query of its own. */
  @Get()
  name(@CurrentPrincipal() principal: Principal) {
    return { name: principal.name };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

// Both stand still together: what a process remembers never gets too old, so it is forgotten only when it is told to.
const clock = new TestClock();
let here: TestApp;
let there: TestApp;
let owner: string;
beforeAll(async () => {
  here = await startTestApp({ clock, modules: [ProbeModule] });
  there = await startTestApp({ clock, modules: [ProbeModule], database: here.database });
  owner = await logIn(here, here.owner);
});
afterAll(async () => {
  await there.close();
  await here.close();
});

const probe = (app: TestApp, token: string) => as(app, token).get('/probe');
const refused = (app: TestApp, token: string) => eventually(() => probe(app, token).expect(401));

describe('a credential', () => {
  it('is remembered: a busy key asks the database once in five seconds', async () => {
    const { id, key } = await createKey(here, owner, ['events:read']);
    await probe(here, key).expect(200, { name: 'events:read' });
    // Past the application, so that nobody is told.
    await here.database.query(`update api_keys set name = 'renamed' where id = $1`, [id]);
    await probe(here, key).expect(200, { name: 'events:read' });
    clock.advance({ seconds: 5 });
    await probe(here, key).expect(200, { name: 'renamed' });
  });

  it('that is revoked in one process stops working in the other', async () => {
    const { id, key } = await createKey(here, owner, ['events:read']);
    await probe(there, key).expect(200);
    await as(here, owner).delete(`/api/v1/api-keys/${id}`).expect(204);
    await probe(here, key).expect(401);
    await refused(there, key);
  });

  it('of a member stops working everywhere at logout, with a new password, and when he is removed', async () => {
    for (const end of ['logout', 'password', 'removal'] as const) {
      const member = await addMember(here, owner, 'developer', `${end}@example.com`);
      await probe(there, member.token).expect(200);
      if (end === 'logout') await as(here, member.token).post('/api/auth/logout').expect(204);
      const one = `/api/v1/members/${member.id}`;
      if (end === 'password') await as(here, owner).patch(one).send({ password: 'a new password' }).expect(200);
      if (end === 'removal') await as(here, owner).delete(one).expect(204);
      await refused(there, member.token);
    }
  });

  it('loses the rights of a role in every process', async () => {
    const member = await addMember(here, owner, 'admin', 'demoted@example.com');
    await as(there, member.token).get('/api/v1/members').expect(200);
    await as(here, owner).patch(`/api/v1/members/${member.id}`).send({ role: 'viewer' }).expect(200);
    await eventually(() => as(there, member.token).get('/api/v1/members').expect(403));
  });

  it('is not trusted from memory once the connection that tells of changes is lost, until it is back', async () => {
    const [first, second] = [
      await createKey(here, owner, ['events:read']),
      await createKey(here, owner, ['events:read']),
    ];
    await probe(there, first.key).expect(200);
    // Nobody is told of this one: it counts only because what was remembered is dropped with the connection.
    await here.database.query('update api_keys set revoked_at = now() where id = $1', [first.id]);
    await probe(there, first.key).expect(200);
    await here.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'posthaste changes' and datname = current_database()`,
    );
    await refused(there, first.key);

    await eventually(() => expect(there.app.get(TenantChanges).connected).toBe(true));
    await probe(there, second.key).expect(200);
    await as(here, owner).delete(`/api/v1/api-keys/${second.id}`).expect(204);
    await refused(there, second.key);
  });
});
