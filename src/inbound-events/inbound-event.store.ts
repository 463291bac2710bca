import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import type { PayloadKind } from '../core/payload.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
import { type InboundAttempt, type InboundEvent, type InboundStatus, Prisma } from '../generated/prisma/client.js';

export type { InboundAttempt, InboundEvent, InboundStatus };

/** An inbound event on its way into the database. */
export interface NewInboundEvent {
  tenantId: string;
  source: string;
  sourceId: string | null;
  eventName: string;
  payload: string;
  payloadKind: PayloadKind;
  payloadBytes: number;
  method: string;
  contentType: string | null;
  /** JSON text, redacted. */
  headers: string;
  deliveryId: string | null;
  authenticated: boolean;
  secretId: string | null;
  hops: number;
  /** `ignored` for one that is stopped at the door; then `errorMessage` says why. */
  status: 'received' | 'ignored';
  errorMessage: string | null;
  /** Two events of a tenant with the same key are one, until `dedupeUntil`; null: always new. */
  dedupeKey: Buffer | null;
  dedupeUntil: Date | null;
}

/** What became of it. Of a duplicate: the event that was stored first. */
export interface StoredInboundEvent {
  id: string;
  duplicate: boolean;
  status: InboundStatus;
  receivedAt: Date;
  /** Of a duplicate that came with the tenant's key: the payload of the first. */
  firstPayload?: string;
}

export interface InboundEventFilter {
  /** Provider, or `api`. */
  source?: string;
  sourceId?: string;
  eventName?: string;
  status?: InboundStatus;
  since?: Date;
  until?: Date;
}

// A key that has had its time is taken over in the same statement. Keys are inserted in order, so that two processes that
// store the same ones wait for each other and do not lock each other out.
const STORE = `
  with input as (
    select *, decode(dedupe_hex, 'hex') as dedupe_key
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[],
                $11::text[], $12::text[], $13::bool[], $14::uuid[], $15::int[], $16::text[], $17::text[], $18::text[], $19::timestamptz[])
      as i(id, tenant_id, source, source_id, event_name, payload, payload_kind, payload_bytes, method, content_type, headers,
           delivery_id, authenticated, secret_id, hops, status, error_message, dedupe_hex, dedupe_until)
  ), claimed as (
    insert into inbound_dedupe_keys as k (tenant_id, key, event_id, expires_at)
    select distinct on (tenant_id, dedupe_key) tenant_id, dedupe_key, id, dedupe_until
    from input where dedupe_key is not null order by tenant_id, dedupe_key, id
    on conflict (tenant_id, key) do update set event_id = excluded.event_id, expires_at = excluded.expires_at
      where k.expires_at <= $20
    returning event_id
  )
  insert into integration_events (id, tenant_id, source, source_id, event_name, payload, payload_kind, payload_bytes, method,
    content_type, headers, delivery_id, authenticated, secret_id, hops, status, error_message, due_at, received_at, processed_at)
  select id, tenant_id, source, source_id, event_name, payload, payload_kind, payload_bytes, method, content_type, headers,
         delivery_id, authenticated, secret_id, hops, status::inbound_status, error_message,
         case when status = 'received' then $21::timestamptz end, $20, case when status <> 'received' then $20::timestamptz end
  from input where dedupe_key is null or id in (select event_id from claimed)
  returning id`;

const FIND_FIRST = `
  select k.tenant_id, encode(k.key, 'hex') as key, k.event_id, e.status, e.received_at, case when e.source_id is null then e.payload end as payload
  from unnest($1::uuid[], $2::text[]) as ref(tenant_id, hex)
  join inbound_dedupe_keys k on k.tenant_id = ref.tenant_id and k.key = decode(ref.hex, 'hex')
  left join integration_events e on e.tenant_id = k.tenant_id and e.id = k.event_id`;

const REMOVE_EXPIRED = `
  delete from inbound_dedupe_keys where (tenant_id, key) in (
    select tenant_id, key from inbound_dedupe_keys where expires_at < $1 order by expires_at limit $2 for update skip locked
  ) returning 1`;

interface FirstRow {
  tenant_id: string;
  key: string;
  event_id: string;
  status: InboundStatus | null;
  received_at: Date | null;
  payload: string | null;
}

/** A list shows bodies up to this size; longer ones are shown with their event. */
const LISTED_PAYLOAD_BYTES = 16 * 1024;

@Injectable()
export class InboundEventStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /**
   * Stores events in one statement and so in one commit; of several with the same key the first wins.
   * @param leaseUntil until then the events belong to the caller; afterwards the due relay takes them
   */
  async storeAcrossTenants(events: NewInboundEvent[], now: Date, leaseUntil: Date): Promise<StoredInboundEvent[]> {
    const ids = events.map(() => newId());
    const column = <Name extends keyof NewInboundEvent>(name: Name) => events.map((event) => event[name]);
    const rows = await this.hot.query<{ id: string }>('inbound-store', STORE, [
      ids,
      column('tenantId'),
      column('source'),
      column('sourceId'),
      column('eventName'),
      column('payload'),
      column('payloadKind'),
      column('payloadBytes'),
      column('method'),
      column('contentType'),
      column('headers'),
      column('deliveryId'),
      column('authenticated'),
      column('secretId'),
      column('hops'),
      column('status'),
      column('errorMessage'),
      events.map((event) => event.dedupeKey?.toString('hex') ?? null),
      column('dedupeUntil'),
      now,
      leaseUntil,
    ]);
    const stored = new Set(rows.map((row) => row.id));
    const duplicates = events.filter((_, i) => !stored.has(ids[i] as string));
    const firsts = await this.findFirsts(duplicates);
    return events.map((event, i): StoredInboundEvent => {
      const id = ids[i] as string;
      if (stored.has(id)) return { id, duplicate: false, status: event.status, receivedAt: now };
      const first = firsts.get(firstKey(event.tenantId, event.dedupeKey?.toString('hex') ?? ''));
      return {
        id: first?.event_id ?? id,
        duplicate: true,
        status: first?.status ?? 'received',
        receivedAt: first?.received_at ?? now,
        firstPayload: first?.payload ?? undefined,
      };
    });
  }

  // A statement of its own: it sees what was committed by whoever was first, which the one before it waited for.
  private async findFirsts(duplicates: NewInboundEvent[]): Promise<Map<string, FirstRow>> {
    if (duplicates.length === 0) return new Map();
    const rows = await this.hot.query<FirstRow & Record<string, unknown>>('inbound-find-first', FIND_FIRST, [
      duplicates.map((event) => event.tenantId),
      duplicates.map((event) => event.dedupeKey?.toString('hex')),
    ]);
    return new Map(rows.map((row) => [firstKey(row.tenant_id, row.key), row]));
  }

  /** @returns how many, at most `limit` */
  async removeExpiredKeysAcrossTenants(before: Date, limit: number): Promise<number> {
    return (await this.hot.query('inbound-expired-keys', REMOVE_EXPIRED, [before, limit])).length;
  }

  /** With its attempts, oldest first, both as of one moment. */
  async findWithAttempts(
    tenantId: string,
    id: string,
  ): Promise<{ event: InboundEvent; attempts: InboundAttempt[] } | null> {
    const [event, attempts] = await this.prisma.$transaction(
      [
        this.prisma.inboundEvent.findUnique({ where: { tenantId_id: { tenantId, id } } }),
        this.prisma.inboundAttempt.findMany({ where: { tenantId, eventId: id }, orderBy: { id: 'asc' } }),
      ],
      { isolationLevel: 'RepeatableRead' },
    );
    return event && { event, attempts };
  }

  /** Newest first. `payload` is empty where it is longer than a list shows. */
  list(
    tenantId: string,
    filter: InboundEventFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<InboundEvent[]> {
    return this.prisma.$queryRaw<InboundEvent[]>`
      select id, tenant_id as "tenantId", source, source_id as "sourceId", event_name as "eventName", payload_kind as "payloadKind",
             case when payload_bytes <= ${LISTED_PAYLOAD_BYTES} then payload else '' end as payload,
             payload_bytes as "payloadBytes", method, content_type as "contentType", headers, delivery_id as "deliveryId",
             authenticated, secret_id as "secretId", hops, status, attempt_count as "attemptCount",
             error_message as "errorMessage", result, due_at as "dueAt", received_at as "receivedAt", processed_at as "processedAt"
      from integration_events
      where ${conditions(tenantId, filter)} ${belowId ? Prisma.sql`and id < ${belowId}::uuid` : Prisma.empty}
      order by id desc limit ${take}`;
  }

  /** Ids that match, oldest first, above an id: the pages of a background job. */
  async idsMatching(
    tenantId: string,
    filter: InboundEventFilter,
    aboveId: string | null,
    take: number,
  ): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      select id from integration_events
      where ${conditions(tenantId, filter)} ${aboveId ? Prisma.sql`and id > ${aboveId}::uuid` : Prisma.empty}
      order by id limit ${take}`;
    return rows.map((row) => row.id);
  }

  async count(tenantId: string, filter: InboundEventFilter): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ n: number }[]>`
      select count(*)::int as n from integration_events where ${conditions(tenantId, filter)}`;
    return row?.n ?? 0;
  }

  /** Makes finished events due again and leases them to the caller. @returns those that were finished */
  async reopen(tenantId: string, ids: string[], leaseUntil: Date): Promise<string[]> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      update integration_events set status = 'received', due_at = ${leaseUntil}::timestamptz, processed_at = null, attempt_count = 0,
             error_message = null
      where tenant_id = ${tenantId}::uuid and id = any(${ids}::uuid[]) and status in ('processed', 'failed', 'ignored')
      returning id`;
    return rows.map((row) => row.id);
  }
}

const firstKey = (tenantId: string, hex: string) => `${tenantId}/${hex}`;

function conditions(tenantId: string, filter: InboundEventFilter): Prisma.Sql {
  const { source, sourceId, eventName, status, since, until } = filter;
  const all = [Prisma.sql`tenant_id = ${tenantId}::uuid`];
  if (source !== undefined) all.push(Prisma.sql`source = ${source}`);
  if (sourceId !== undefined) all.push(Prisma.sql`source_id = ${sourceId}::uuid`);
  if (eventName !== undefined) all.push(Prisma.sql`event_name = ${eventName}`);
  if (status !== undefined) all.push(Prisma.sql`status = ${status}::inbound_status`);
  if (since) all.push(Prisma.sql`received_at >= ${since}::timestamptz`);
  if (until) all.push(Prisma.sql`received_at < ${until}::timestamptz`);
  return Prisma.join(all, ' and ');
}
