import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { newId } from '../core/ids.js';
import { open, seal } from '../core/secret.js';
import type { Transaction } from '../database/prisma.service.js';
import { ErasureStore } from './erasure.store.js';
import type { PersonKeys } from './person-keys.js';

/** A connection whose provider may know the person. */
export interface ErasureTarget {
  connectionId: string;
  provider: string;
}

/** A request that is the caller's until its lease ends. */
export interface ClaimedErasureRequest extends ErasureTarget {
  tenantId: string;
  id: string;
  person: PersonKeys;
  /** With this one. */
  attempts: number;
}

type Targets = (tx: Transaction, tenantId: string) => Promise<ErasureTarget[]>;

/**
 * Where erasures meet the connections to providers: that feature says which there are (`askedOf`), takes the requests as they become due,
 * and records what came of each. What names the person is sealed, and removed as soon as the provider has been told.
 */
@Injectable()
export class ErasureRequests {
  private targets: Targets = async () => [];

  constructor(
    private readonly store: ErasureStore,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Called once, by the feature that has the connections. */
  askedOf(targets: Targets): void {
    this.targets = targets;
  }

  /** One for each connection of the tenant, as part of the erasure's transaction. */
  async record(tx: Transaction, tenantId: string, erasureId: string, person: PersonKeys, now: Date): Promise<void> {
    const requests = (await this.targets(tx, tenantId)).map(({ connectionId, provider }) => {
      const id = newId();
      return { id, connectionId, provider, person: seal(JSON.stringify(person), this.masterKey, boundTo(id)) };
    });
    if (requests.length > 0) await this.store.createRequests(tx, tenantId, erasureId, requests, now);
  }

  /** Leases requests whose time has come, oldest first. */
  async claimDueAcrossTenants(leaseUntil: Date, limit: number): Promise<ClaimedErasureRequest[]> {
    const rows = await this.store.claimDueRequestsAcrossTenants(this.clock.now(), leaseUntil, limit);
    return rows.flatMap(({ person, attemptCount, ...row }) =>
      person === null
        ? []
        : [{ ...row, attempts: attemptCount, person: JSON.parse(open(person, this.masterKey, boundTo(row.id))) }],
    );
  }

  async recordDone(tenantId: string, id: string): Promise<void> {
    await this.store.recordRequest(tenantId, id, { status: 'done', error: null, dueAt: null }, this.clock.now());
  }

  /** @param error in words, without the person's data @param dueAt when to try again; null: given up */
  async recordFailed(tenantId: string, id: string, error: string, dueAt: Date | null): Promise<void> {
    const status = dueAt === null ? 'failed' : 'pending';
    await this.store.recordRequest(tenantId, id, { status, error, dueAt }, this.clock.now());
  }

  private get masterKey(): Buffer {
    return this.config.security.masterKey as Buffer;
  }
}

const boundTo = (id: string) => `erasure_requests:${id}`;
