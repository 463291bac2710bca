import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField } from '../core/errors.js';
import { AuditLog } from './audit-log.js';
import type { Login, LoginAnswer, Me, UpdateMe } from './auth.dto.js';
import { newSessionToken } from './credential-format.js';
import { LoginThrottle } from './login-throttle.js';
import { MemberStore } from './member.store.js';
import { PasswordHasher } from './password-hasher.js';
import type { Principal } from './principal.js';
import { SessionStore } from './session.store.js';
import { TenantStore } from './tenant.store.js';
import { TenantChanges } from './tenant-changes.js';

const HOUR_MS = 3_600_000;
const MAX_USER_AGENT_LENGTH = 300;

/** Where a login comes from. */
export interface Origin {
  ip: string;
  requestId: string;
  userAgent: string | null;
}

type Candidate = Awaited<ReturnType<MemberStore['findByEmailAcrossTenants']>>[number];

/** Logging in and out, and what a member sees and changes about himself. */
@Injectable()
export class AuthService {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly members: MemberStore,
    private readonly tenants: TenantStore,
    private readonly sessions: SessionStore,
    private readonly passwords: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly changes: TenantChanges,
    private readonly audit: AuditLog,
  ) {}

  /**
   * An unknown e-mail, an unknown tenant and a wrong password are answered alike, in words and in time.
   * @throws AppError invalid_login, rate_limited; invalid_request at /tenant when the password fits members of several tenants
   */
  async login({ email, password, tenant }: Login, origin: Origin): Promise<LoginAnswer> {
    await this.throttle.admit(email, origin.ip);
    const candidates = await this.members.findByEmailAcrossTenants(email, tenant);
    const fitting = await this.withPassword(candidates, password);
    const [member] = fitting;
    if (!member) {
      for (const candidate of candidates) await this.record(candidate, 'member.login_failed', origin);
      throw new AppError('invalid_login', {
        detail: 'No member has this e-mail and password. Passwords are case-sensitive.',
      });
    }
    await this.throttle.forgive(email, origin.ip);
    if (fitting.length > 1) throw severalTenants(fitting);
    return this.begin(member, origin);
  }

  async logout(principal: Principal, origin: Origin): Promise<void> {
    if (principal.kind !== 'member') {
      throw new AppError('forbidden', {
        detail: 'An API key has no session to end. To stop it, revoke it: DELETE /api/v1/api-keys/{id}.',
      });
    }
    await this.sessions.revoke(principal.tenantId, principal.sessionId, this.clock.now());
    await this.changes.announce(principal.tenantId);
    await this.record(principal, 'member.logged_out', origin);
  }

  async me(principal: Principal): Promise<Me> {
    const tenant = await this.tenants.find(principal.tenantId);
    if (!tenant) throw new AppError('unauthenticated', { detail: 'The tenant of this credential was removed.' });
    return {
      id: principal.id,
      email: principal.kind === 'member' ? principal.email : null,
      name: principal.name,
      role: principal.kind === 'member' ? principal.role : null,
      tenant_id: tenant.id,
      tenant: { id: tenant.id, slug: tenant.slug, name: tenant.name },
      scopes: [...principal.scopes],
    };
  }

  /** @throws AppError forbidden for API keys; invalid_request at /current_password */
  async updateMe(principal: Principal, input: UpdateMe): Promise<Me> {
    if (principal.kind !== 'member')
      throw new AppError('forbidden', { detail: 'Only a member, logged in, has a name and password to change.' });
    const { tenantId, id, sessionId } = principal;
    if (input.password !== undefined) await this.checkCurrentPassword(principal, input.current_password);
    const passwordHash = input.password === undefined ? undefined : await this.passwords.hash(input.password);
    const change = await this.members.update(
      tenantId,
      id,
      { name: input.name, passwordHash },
      this.clock.now(),
      sessionId,
    );
    await this.changes.announce(tenantId);
    if (change.kind !== 'done') throw new AppError('unauthenticated', { detail: 'This member was removed.' });
    return this.me({ ...principal, name: change.member.name });
  }

  private async checkCurrentPassword({ tenantId, id }: Principal, password: string | undefined): Promise<void> {
    const member = await this.members.find(tenantId, id);
    if (member && password !== undefined && (await this.passwords.verify(member.passwordHash, password))) return;
    throw invalidField('/current_password', 'To change the password, send the present one as current_password.');
  }

  private async withPassword(candidates: Candidate[], password: string): Promise<Candidate[]> {
    if (candidates.length === 0) await this.passwords.verifyNobody(password);
    const right = await Promise.all(candidates.map((member) => this.passwords.verify(member.passwordHash, password)));
    return candidates.filter((_, i) => right[i]);
  }

  private async begin(member: Candidate, origin: Origin): Promise<LoginAnswer> {
    const { id, tenantId, email, name, role } = member;
    const now = this.clock.now();
    const token = newSessionToken();
    const expiresAt = new Date(now.getTime() + this.config.security.sessionHours * HOUR_MS);
    const userAgent = origin.userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null;
    await this.sessions.create(tenantId, { memberId: id, token, expiresAt, ip: origin.ip, userAgent }, now);
    await this.record(member, 'member.logged_in', origin);
    return { token, expires_at: expiresAt, tenant_id: tenantId, member: { id, email, name, role } };
  }

  private record(
    { id, tenantId, email }: { id: string; tenantId: string; email: string },
    action: string,
    { ip, requestId }: Origin,
  ): Promise<void> {
    return this.audit.record(tenantId, {
      actor: { kind: 'member', id, name: email },
      action,
      targetId: id,
      ip,
      requestId,
    });
  }
}

/** Told only after the password was right, so it gives nothing away. */
function severalTenants(members: Candidate[]): AppError {
  const slugs = members.map((member) => member.tenant.slug).join(', ');
  return invalidField(
    '/tenant',
    `This e-mail and password fit members of several tenants. Name one as "tenant": ${slugs}.`,
  );
}
