import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { ContactErasure, ErasureRequest } from '../generated/prisma/client.js';

export type { ContactErasure, ErasureRequest };

type SealedBytes = Uint8Array<ArrayBuffer>;

const CLAIM_REQUESTS = `
  update erasure_requests r set due_at = $2, attempt_count = attempt_count + 1
  from (
    select id from erasure_requests where status = 'pending' and due_at <= $1 order by due_at limit $3 for update skip locked
  ) due
  where r.id = due.id
  returning r.tenant_id as "tenantId", r.id, r.connection_id as "connectionId", r.provider, r.person, r.attempt_count as "attemptCount"`;

export type ClaimedRequestRow = Pick<
  ErasureRequest,
  'tenantId' | 'id' | 'connectionId' | 'provider' | 'person' | 'attemptCount'
>;

/** Erasures, and whom they have to be told. */
@Injectable()
export class ErasureStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  async create(tx: Transaction, erasure: Omit<ContactErasure, 'completedAt'>): Promise<void> {
    await tx.contactErasure.create({ data: { ...erasure, person: erasure.person as SealedBytes } });
  }

  findOfContact(tenantId: string, contactId: string): Promise<ContactErasure | null> {
    return this.prisma.contactErasure.findUnique({ where: { tenantId_contactId: { tenantId, contactId } } });
  }

  find(tenantId: string, id: string): Promise<ContactErasure | null> {
    return this.prisma.contactErasure.findUnique({ where: { id, tenantId } });
  }

  async setJob(tx: Transaction, tenantId: string, id: string, jobId: string): Promise<void> {
    await tx.contactErasure.update({ where: { id, tenantId }, data: { jobId } });
  }

  /** What the person was found by goes too. False when it was complete already. */
  async complete(tx: Transaction, tenantId: string, id: string, now: Date): Promise<boolean> {
    const { count } = await tx.contactErasure.updateMany({
      where: { id, tenantId, completedAt: null },
      data: { completedAt: now, person: null },
    });
    return count === 1;
  }

  async createRequests(
    tx: Transaction,
    tenantId: string,
    erasureId: string,
    requests: { id: string; connectionId: string; provider: string; person: SealedBytes }[],
    now: Date,
  ): Promise<void> {
    await tx.erasureRequest.createMany({
      data: requests.map((request) => ({ ...request, tenantId, erasureId, dueAt: now, createdAt: now })),
    });
  }

  /** Oldest first. */
  listRequests(tenantId: string, erasureId: string): Promise<ErasureRequest[]> {
    return this.prisma.erasureRequest.findMany({ where: { tenantId, erasureId }, orderBy: { id: 'asc' } });
  }

  claimDueRequestsAcrossTenants(now: Date, leaseUntil: Date, limit: number): Promise<ClaimedRequestRow[]> {
    return this.hot.query<ClaimedRequestRow & Record<string, unknown>>('erasure-requests-claim', CLAIM_REQUESTS, [
      now,
      leaseUntil,
      limit,
    ]);
  }

  async recordRequest(
    tenantId: string,
    id: string,
    change: { status: 'pending' | 'done' | 'failed'; error: string | null; dueAt: Date | null },
    now: Date,
  ): Promise<void> {
    const over = change.status !== 'pending' && { completedAt: now, person: null };
    await this.prisma.erasureRequest.updateMany({
      where: { id, tenantId, status: 'pending' },
      data: { ...change, ...over },
    });
  }

  /** Rows about the person that are not about the contact's own row: what goes with them, and what stays and names nobody. */
  async removeBelongings(tx: Transaction, tenantId: string, contactId: string, parties: string[]): Promise<void> {
    const conversations = await tx.conversation.findMany({
      where: { tenantId, isGroup: false, OR: [{ contactId }, { party: { in: parties } }] },
      select: { id: true },
    });
    const ids = conversations.map(({ id }) => id);
    await tx.message.deleteMany({ where: { tenantId, conversationId: { in: ids } } });
    await tx.conversation.deleteMany({ where: { tenantId, id: { in: ids } } });
    await tx.qrCode.deleteMany({ where: { tenantId, contactId } });
    // A deal's title mostly names the person; its amount and stage stay for the tenant's figures.
    await tx.deal.updateMany({ where: { tenantId, contactId }, data: { contactId: null, title: null } });
  }

  /** Invoices are kept, as the law wants them, without the address. */
  async clearInvoices(tx: Transaction, tenantId: string, contactId: string, email: string | null): Promise<void> {
    const theirs = [{ contactId }, ...(email === null ? [] : [{ customerEmail: email }])];
    await tx.invoice.updateMany({ where: { tenantId, OR: theirs }, data: { contactId: null, customerEmail: null } });
  }
}
