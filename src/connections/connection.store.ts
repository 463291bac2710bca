import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Connection, ConnectionWebhook, Prisma } from '../generated/prisma/client.js';

export type { ConnectionWebhook };
export type ConnectionRow = Connection & { webhook: ConnectionWebhook | null };

export interface NewConnection {
  id: string;
  provider: string;
  name: string;
  baseUrl: string | null;
  credentials: Uint8Array<ArrayBuffer>;
  settings: object;
  sealedSettings: Uint8Array<ArrayBuffer> | null;
  enabled: boolean;
}

export type ConnectionChanges = Partial<Omit<NewConnection, 'id' | 'provider'>>;

const WITH_WEBHOOK = { webhook: true } as const satisfies Prisma.ConnectionInclude;

@Injectable()
export class ConnectionStore {
  constructor(private readonly prisma: PrismaService) {}

  create(tenantId: string, connection: NewConnection): Promise<ConnectionRow> {
    return this.prisma.connection.create({ data: { ...connection, tenantId }, include: WITH_WEBHOOK });
  }

  find(tenantId: string, id: string): Promise<ConnectionRow | null> {
    return this.prisma.connection.findUnique({ where: { id, tenantId }, include: WITH_WEBHOOK });
  }

  /** The enabled connection of a provider that was made first: making another one does not redirect what runs over it. */
  findOfProvider(tenantId: string, provider: string): Promise<ConnectionRow | null> {
    return this.prisma.connection.findFirst({
      where: { tenantId, provider, enabled: true },
      include: WITH_WEBHOOK,
      orderBy: { id: 'asc' },
    });
  }

  /** The connection whose webhook comes in by this source. */
  async findOfSource(tenantId: string, sourceId: string): Promise<ConnectionRow | null> {
    const webhook = await this.prisma.connectionWebhook.findFirst({ where: { tenantId, sourceId } });
    return webhook && this.find(tenantId, webhook.connectionId);
  }

  /** Every connection, enabled or not: who was told of a person through it may still know the person. */
  async listTargets(tx: Transaction, tenantId: string): Promise<{ connectionId: string; provider: string }[]> {
    const rows = await tx.connection.findMany({ where: { tenantId }, orderBy: { id: 'asc' } });
    return rows.map(({ id, provider }) => ({ connectionId: id, provider }));
  }

  /** Newest first. */
  list(tenantId: string, provider: string | undefined, belowId: string | undefined, take: number) {
    return this.prisma.connection.findMany({
      where: { tenantId, provider, id: { lt: belowId } },
      include: WITH_WEBHOOK,
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** Null when there is none, or when it is no longer the version that was looked at. */
  async update(
    tenantId: string,
    id: string,
    version: number,
    changes: ConnectionChanges,
  ): Promise<ConnectionRow | null> {
    const { count } = await this.prisma.connection.updateMany({
      where: { id, tenantId, version },
      data: { ...changes, version: { increment: 1 } },
    });
    return count === 0 ? null : this.find(tenantId, id);
  }

  /** Enabled connections whose webhook was registered before that time, in the order of their ids. */
  listRegisteredBeforeAcrossTenants(provider: string, time: Date, afterId: string | undefined, take: number) {
    return this.prisma.connection.findMany({
      where: { provider, enabled: true, id: { gt: afterId }, webhook: { registeredAt: { lt: time } } },
      select: { id: true, tenantId: true },
      orderBy: { id: 'asc' },
      take,
    });
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.connection.deleteMany({ where: { id, tenantId } });
    return count === 1;
  }

  /** Notes the source a connection's webhook leads to, before the provider knows of it; one that is noted already stays. */
  async addWebhook(tenantId: string, webhook: { connectionId: string; sourceId: string; url: string }): Promise<void> {
    await this.prisma.connectionWebhook.createMany({ data: [{ ...webhook, tenantId }], skipDuplicates: true });
  }

  /** False while another request is at the provider for it. */
  async claimWebhook(tenantId: string, connectionId: string, now: Date, until: Date): Promise<boolean> {
    const { count } = await this.prisma.connectionWebhook.updateMany({
      where: { tenantId, connectionId, OR: [{ busyUntil: null }, { busyUntil: { lte: now } }] },
      data: { busyUntil: until },
    });
    return count === 1;
  }

  async releaseWebhook(tenantId: string, connectionId: string): Promise<void> {
    await this.prisma.connectionWebhook.updateMany({ where: { tenantId, connectionId }, data: { busyUntil: null } });
  }

  async recordWebhook(
    tenantId: string,
    connectionId: string,
    state: Partial<Pick<ConnectionWebhook, 'sourceId' | 'url' | 'externalId' | 'events' | 'registeredAt'>>,
  ): Promise<void> {
    await this.prisma.connectionWebhook.updateMany({ where: { tenantId, connectionId }, data: state });
  }
}
