import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, notFound } from '../core/errors.js';
import { ROLE_SCOPES, type Role } from '../core/scopes.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import { newPassword } from './credential-format.js';
import type { CreatedMemberView, CreateMember, MemberView, UpdateMember } from './member.dto.js';
import { type Member, type MemberChange, MemberStore } from './member.store.js';
import { PasswordHasher } from './password-hasher.js';
import type { Principal } from './principal.js';
import { TenantChanges } from './tenant-changes.js';
import { TenantSettings } from './tenant-settings.js';

/** Members of a tenant. Nobody manages a member who may do more than himself: he could log in as that member. */
@Injectable()
export class MemberService {
  constructor(
    private readonly store: MemberStore,
    private readonly passwords: PasswordHasher,
    private readonly changes: TenantChanges,
    private readonly settings: TenantSettings,
    private readonly clock: Clock,
  ) {}

  async get(tenantId: string, id: string): Promise<MemberView> {
    return presentMember(await this.find(tenantId, id));
  }

  async list(tenantId: string, query: PageQuery): Promise<Page<MemberView>> {
    return pageOf(await this.store.list(tenantId, cursorId(query), query.limit + 1), query.limit, presentMember);
  }

  /** @throws AppError forbidden, conflict */
  async create(by: Principal, input: CreateMember): Promise<CreatedMemberView> {
    checkMayManage(by, input.role);
    const password = input.password ?? newPassword();
    const values = {
      email: input.email,
      name: input.name ?? input.email,
      role: input.role,
      passwordHash: await this.passwords.hash(password),
    };
    const { vocabularies } = await this.settings.get(by.tenantId);
    const member = await this.store.create(by.tenantId, values, vocabularies.includes('crm'), this.clock.now());
    if (!member) throw emailTaken(input.email);
    return { ...presentMember(member), ...(input.password === undefined && { password }) };
  }

  /** @throws AppError not_found, forbidden, conflict */
  async update(by: Principal, id: string, input: UpdateMember): Promise<MemberView> {
    checkMayManage(by, (await this.find(by.tenantId, id)).role);
    if (input.role) checkMayManage(by, input.role);
    const { password, ...values } = input;
    const passwordHash = password === undefined ? undefined : await this.passwords.hash(password);
    const change = await this.store.update(by.tenantId, id, { ...values, passwordHash }, this.clock.now());
    await this.changes.announce(by.tenantId);
    return presentMember(done(change, id, input.email));
  }

  /** @throws AppError not_found, forbidden, conflict */
  async delete(by: Principal, id: string): Promise<void> {
    checkMayManage(by, (await this.find(by.tenantId, id)).role);
    const change = await this.store.delete(by.tenantId, id);
    await this.changes.announce(by.tenantId);
    done(change, id);
  }

  private async find(tenantId: string, id: string): Promise<Member> {
    const member = await this.store.find(tenantId, id);
    if (!member) throw notFound('member', id);
    return member;
  }
}

function checkMayManage(by: Principal, role: Role): void {
  if (role === 'owner' && !(by.kind === 'member' && by.role === 'owner')) {
    throw new AppError('forbidden', { detail: 'Only an owner, logged in, can create, change or remove owners.' });
  }
  const lacking = ROLE_SCOPES[role].filter((scope) => !by.scopes.has(scope));
  if (lacking.length === 0) return;
  throw new AppError('forbidden', {
    detail: `A member with the role "${role}" may do more than this credential, which lacks ${lacking.join(', ')}.`,
  });
}

function done(change: MemberChange, id: string, email?: string): Member {
  switch (change.kind) {
    case 'done':
      return change.member;
    case 'notFound':
      throw notFound('member', id);
    case 'emailTaken':
      throw emailTaken(email ?? '');
    case 'lastOwner':
      throw new AppError('conflict', { detail: 'This is the last owner. Make another member an owner first.' });
  }
}

function emailTaken(email: string): AppError {
  return new AppError('conflict', { detail: `This tenant has a member with the e-mail "${email}" already.` });
}

export function presentMember(member: Member): MemberView {
  const { id, email, name, role, createdAt, updatedAt } = member;
  return { id, email, name, role, createdAt, updatedAt };
}
