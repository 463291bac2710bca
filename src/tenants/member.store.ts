import { Injectable } from '@nestjs/common';
import { patternsMatching } from '../core/event-pattern.js';
import { isUuid, newId } from '../core/ids.js';
import type { Role } from '../core/scopes.js';
import { isUniqueViolation, PrismaService } from '../database/prisma.service.js';
import type { Prisma } from '../generated/prisma/client.js';

const MEMBER_CREATED = 'member.created';

export interface MemberValues {
  email: string;
  name: string;
  role: Role;
  passwordHash: string;
}

export type Member = NonNullable<Awaited<ReturnType<MemberStore['find']>>>;
export type MemberChange = { kind: 'done'; member: Member } | { kind: 'notFound' | 'emailTaken' | 'lastOwner' };

@Injectable()
export class MemberStore {
  constructor(private readonly prisma: PrismaService) {}

  async find(tenantId: string, id: string) {
    return isUuid(id) ? this.prisma.member.findFirst({ where: { tenantId, id } }) : null;
  }

  /** Newest first. */
  list(tenantId: string, belowId: string | undefined, take: number) {
    return this.prisma.member.findMany({ where: { tenantId, id: { lt: belowId } }, orderBy: { id: 'desc' }, take });
  }

  /**
   * Null when the tenant has a member with that e-mail. `member.created` goes through the outbox, as a host's event would: the flow
   * that publishes is built upon tenants and members, not beneath them.
   * @param told whether the tenant speaks the vocabulary of that event
   */
  async create(tenantId: string, values: MemberValues, told: boolean, now: Date) {
    try {
      return await this.prisma.inTransaction(async (tx) => {
        const member = await tx.member.create({ data: { id: newId(), tenantId, ...values, createdAt: now } });
        if (told) await this.tellCreated(tx, member, now);
        return member;
      });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  /** With a new password the member's sessions end in the same commit, but for `exceptSessionId`. */
  async update(
    tenantId: string,
    id: string,
    values: Partial<MemberValues>,
    now: Date,
    exceptSessionId?: string,
  ): Promise<MemberChange> {
    try {
      return await this.keepingAnOwner(tenantId, id, async (tx) => {
        if (values.passwordHash !== undefined) {
          const where = { tenantId, memberId: id, revokedAt: null, id: { not: exceptSessionId } };
          await tx.session.updateMany({ where, data: { revokedAt: now } });
        }
        return tx.member.update({ where: { id, tenantId }, data: values });
      });
    } catch (error) {
      if (isUniqueViolation(error)) return { kind: 'emailTaken' };
      throw error;
    }
  }

  delete(tenantId: string, id: string): Promise<MemberChange> {
    return this.keepingAnOwner(tenantId, id, (tx) => tx.member.delete({ where: { id, tenantId } }));
  }

  /** Emits `member.created` when somebody subscribes to it. */
  private async tellCreated(tx: Prisma.TransactionClient, member: Member, now: Date): Promise<void> {
    const { tenantId, id, email, name, role } = member;
    const data = JSON.stringify({ member_id: id, email, name, role });
    await tx.$queryRaw`
      select posthaste_emit(${tenantId}, ${MEMBER_CREATED}, ${data}::jsonb, occurred_at => ${now}::timestamptz)::text
      where exists (select 1 from subscriptions where tenant_id = ${tenantId}::uuid and enabled
                      and event_types && ${patternsMatching(MEMBER_CREATED)}::text[])`;
  }

  /** All members with that e-mail; with `tenant` (slug or id) only that tenant's. */
  findByEmailAcrossTenants(email: string, tenant: string | undefined) {
    return this.prisma.member.findMany({
      where: { email, ...(tenant !== undefined && { tenant: isUuid(tenant) ? { id: tenant } : { slug: tenant } }) },
      include: { tenant: { select: { id: true, slug: true, name: true } } },
      orderBy: { id: 'asc' },
    });
  }

  /** Undoes the change when no owner would be left; under a lock, so that two owners cannot demote each other at once. */
  private async keepingAnOwner(
    tenantId: string,
    id: string,
    change: (tx: Prisma.TransactionClient) => Promise<Member>,
  ): Promise<MemberChange> {
    if (!isUuid(id)) return { kind: 'notFound' };
    const lastOwner = new Error('the last owner');
    try {
      return await this.prisma.$transaction(async (tx): Promise<MemberChange> => {
        await tx.$queryRaw`select 1 from tenants where id = ${tenantId}::uuid for update`;
        if (!(await tx.member.findFirst({ where: { tenantId, id } }))) return { kind: 'notFound' };
        const member = await change(tx);
        if ((await tx.member.count({ where: { tenantId, role: 'owner' } })) === 0) throw lastOwner;
        return { kind: 'done', member };
      });
    } catch (error) {
      if (error === lastOwner) return { kind: 'lastOwner' };
      throw error;
    }
  }
}
