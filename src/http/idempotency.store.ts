import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';

/** A key's state for one who wants to use it. */
export type Claim =
  /** It is his: he must `answer` or `free` it, naming `claimedAt`. */
  | { kind: 'claimed'; claimedAt: Date }
  | { kind: 'running' }
  | { kind: 'otherRequest' }
  | { kind: 'answered'; statusCode: number; response: string };

interface Row {
  request_hash: Buffer;
  status_code: number | null;
  response: string | null;
}

// A row of before `expiredBefore`, or one that nobody answered since `abandonedBefore`, counts as none.
const CLAIM = `
  insert into idempotency_keys (tenant_id, key, request_hash, created_at) values ($1, $2, $3, $4)
  on conflict (tenant_id, key) do update
    set request_hash = excluded.request_hash, created_at = excluded.created_at, status_code = null, response = null
    where idempotency_keys.created_at < $5
       or (idempotency_keys.status_code is null and idempotency_keys.created_at < $6)
  returning 1`;

@Injectable()
export class IdempotencyStore {
  constructor(private readonly hot: HotPool) {}

  /** Of requests that come together with one key, one gets the claim. */
  async claim(
    tenantId: string,
    key: string,
    requestHash: Buffer,
    times: { now: Date; expiredBefore: Date; abandonedBefore: Date },
  ): Promise<Claim> {
    const { now, expiredBefore, abandonedBefore } = times;
    const values = [tenantId, key, requestHash, now, expiredBefore, abandonedBefore];
    const claimed = await this.hot.query('idempotency_claim', CLAIM, values);
    if (claimed.length > 0) return { kind: 'claimed', claimedAt: now };
    const [row] = await this.hot.query<Row & Record<string, unknown>>(
      'idempotency_find',
      'select request_hash, status_code, response from idempotency_keys where tenant_id = $1 and key = $2',
      [tenantId, key],
    );
    // Freed in between.
    if (!row) return this.claim(tenantId, key, requestHash, times);
    if (!row.request_hash.equals(requestHash)) return { kind: 'otherRequest' };
    if (row.status_code === null || row.response === null) return { kind: 'running' };
    return { kind: 'answered', statusCode: row.status_code, response: row.response };
  }

  /** No effect when somebody else has claimed the key since. */
  async answer(tenantId: string, key: string, claimedAt: Date, statusCode: number, response: string): Promise<void> {
    await this.hot.query(
      'idempotency_answer',
      'update idempotency_keys set status_code = $4, response = $5 where tenant_id = $1 and key = $2 and created_at = $3',
      [tenantId, key, claimedAt, statusCode, response],
    );
  }

  async free(tenantId: string, key: string, claimedAt: Date): Promise<void> {
    await this.hot.query(
      'idempotency_free',
      'delete from idempotency_keys where tenant_id = $1 and key = $2 and created_at = $3',
      [tenantId, key, claimedAt],
    );
  }

  /** Removes keys made before a time, at most `limit`. @returns how many */
  async removeExpiredAcrossTenants(before: Date, limit: number): Promise<number> {
    const rows = await this.hot.query(
      'idempotency_remove',
      `delete from idempotency_keys where (tenant_id, key) in (
         select tenant_id, key from idempotency_keys where created_at < $1 order by created_at limit $2 for update skip locked
       ) returning 1`,
      [before, limit],
    );
    return rows.length;
  }
}
