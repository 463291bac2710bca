import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { ExternalIdentity } from '../generated/prisma/client.js';

export type { ExternalIdentity };

/** Something at a provider: `{provider: 'twenty', kind: 'person', externalId: '<uuid>'}`. */
export interface ExternalRef {
  provider: string;
  kind: string;
  externalId: string;
}

/** What is noted of it; absent fields stay as they are. */
export interface IdentityState {
  contentHash?: string | null;
  seenAt?: Date | null;
}

/** The identity map: who or what is the same here and at a provider. */
@Injectable()
export class ExternalIdentityStore {
  constructor(private readonly prisma: PrismaService) {}

  find(tenantId: string, ref: ExternalRef, tx: Transaction = this.prisma): Promise<ExternalIdentity | null> {
    return tx.externalIdentity.findUnique({ where: { tenantId_provider_kind_externalId: { tenantId, ...ref } } });
  }

  /**
   * Holds these names until the transaction ends, whether they are known or not: of two that tell of the same thing for the first
   * time the second finds what the first has made.
   */
  async hold(tx: Transaction, tenantId: string, refs: readonly ExternalRef[]): Promise<void> {
    const names = refs.map(({ provider, kind, externalId }) => [tenantId, provider, kind, externalId].join(' '));
    for (const name of [...new Set(names)].sort())
      await tx.$queryRaw`select pg_advisory_xact_lock(hashtextextended(${name}, 0))::text`;
  }

  /** Those that are known, with what they are here. */
  listNamed(tx: Transaction, tenantId: string, refs: readonly ExternalRef[]): Promise<ExternalIdentity[]> {
    return tx.externalIdentity.findMany({ where: { tenantId, OR: [...refs] } });
  }

  /** What one of ours is called there; of several, the newest. */
  findOfOwn(
    tenantId: string,
    ownId: string,
    { provider, kind }: Omit<ExternalRef, 'externalId'>,
    tx: Transaction = this.prisma,
  ): Promise<ExternalIdentity | null> {
    return tx.externalIdentity.findFirst({
      where: { tenantId, ownId, provider, kind },
      orderBy: [{ updatedAt: 'desc' }, { externalId: 'desc' }],
    });
  }

  /** Notes that they are the same. What was known by another id of ours is ours by this one from now on. */
  async record(
    tenantId: string,
    ref: ExternalRef,
    ownId: string,
    state: IdentityState = {},
    tx: Transaction = this.prisma,
  ): Promise<void> {
    await tx.externalIdentity.upsert({
      where: { tenantId_provider_kind_externalId: { tenantId, ...ref } },
      create: { tenantId, ...ref, ownId, ...state },
      update: { ownId, ...state },
    });
  }

  /** What is the same as `fromId` is the same as `toId` from now on. */
  async repoint(tx: Transaction, tenantId: string, fromId: string, toId: string): Promise<void> {
    await tx.externalIdentity.updateMany({ where: { tenantId, ownId: fromId }, data: { ownId: toId } });
  }

  /** It is not there any more. */
  async forget(tenantId: string, ref: ExternalRef, tx: Transaction = this.prisma): Promise<void> {
    await tx.externalIdentity.deleteMany({ where: { tenantId, ...ref } });
  }
}
