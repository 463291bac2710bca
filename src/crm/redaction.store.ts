import { Injectable } from '@nestjs/common';
import { bytesOf, type PayloadKind } from '../core/payload.js';
import { PrismaService } from '../database/prisma.service.js';

/** What is looked for, and what stands in its place. */
export interface Redaction {
  /** A regular expression for JavaScript and Postgres (core/person-traces). */
  pattern: string;
  /** JSON that names nobody. */
  replacement: string;
  now: Date;
}

/** A page of rows that was looked at; `last` is null when there was none. */
export interface RedactedPage {
  seen: number;
  last: string | null;
  redacted: number;
  /** Deliveries that were pending. */
  cancelled: number;
}

const HIGHEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';
const ERASED = '[erased]';

/** What is stored of payloads, searched for a person and written over. */
@Injectable()
export class RedactionStore {
  constructor(private readonly prisma: PrismaService) {}

  /** How many rows a search goes through, but for attempts, of which there are as many as there were requests. */
  async countStored(tenantId: string): Promise<number> {
    const [events, inbound] = await Promise.all([
      this.prisma.event.count({ where: { tenantId } }),
      this.prisma.inboundEvent.count({ where: { tenantId } }),
    ]);
    return events + inbound;
  }

  /**
   * Events, newest first, with their pending deliveries, which are cancelled, and what receivers answered to the others.
   * @param told types of events that tell of the erasure itself: those accepted since then stay
   */
  async redactEvents(
    tenantId: string,
    { pattern, replacement, now }: Redaction,
    told: { types: string[]; since: Date },
    belowId: string | null,
    limit: number,
  ): Promise<RedactedPage> {
    const [page] = await this.prisma.$queryRaw<RedactedPage[]>`
      with page as (
        select id, type, data, metadata, created_at from events
        where tenant_id = ${tenantId}::uuid and id < ${belowId ?? HIGHEST_ID}::uuid order by id desc limit ${limit}
      ), hit as materialized (
        select id from page where (data ~* ${pattern} or metadata ~* ${pattern})
          and not (type = any(${told.types}::text[]) and created_at >= ${told.since}::timestamptz)
      ), redacted as (
        update events e set data = ${replacement}, metadata = null
        from hit where e.tenant_id = ${tenantId}::uuid and e.id = hit.id returning 1
      ), stopped as (
        update deliveries d set status = 'cancelled', due_at = null, completed_at = ${now}::timestamptz
        from hit where d.tenant_id = ${tenantId}::uuid and d.event_id = hit.id and d.status = 'pending' returning 1
      ), answers as (
        update attempts a set response_headers = null, response_body = case when response_body is not null then ${ERASED} end,
               error_message = case when error_message ~* ${pattern} then ${ERASED} else error_message end
        from hit join deliveries d on d.tenant_id = ${tenantId}::uuid and d.event_id = hit.id
        where a.tenant_id = ${tenantId}::uuid and a.delivery_id = d.id returning 1
      )
      select (select count(*) from page)::int as seen, (select id from page order by id limit 1) as last,
             (select count(*) from redacted)::int as redacted, (select count(*) from stopped)::int as cancelled`;
    return page as RedactedPage;
  }

  /** What receivers answered to other events. @param after of the page before: delivery and attempt */
  async redactAttempts(
    tenantId: string,
    { pattern }: Redaction,
    after: [string, string] | null,
    limit: number,
  ): Promise<{ seen: number; last: [string, string] | null; redacted: number }> {
    const [deliveryId, id] = after ?? [LOWEST_ID, LOWEST_ID];
    const [page] = await this.prisma.$queryRaw<{ seen: number; last: [string, string] | null; redacted: number }[]>`
      with page as (
        select delivery_id, id, response_body, response_headers, error_message from attempts
        where tenant_id = ${tenantId}::uuid and (delivery_id, id) > (${deliveryId}::uuid, ${id}::uuid)
        order by delivery_id, id limit ${limit}
      ), redacted as (
        update attempts a set response_headers = null, response_body = ${ERASED},
               error_message = case when a.error_message ~* ${pattern} then ${ERASED} else a.error_message end
        from page where a.tenant_id = ${tenantId}::uuid and a.delivery_id = page.delivery_id and a.id = page.id
          and (page.response_body ~* ${pattern} or page.response_headers ~* ${pattern} or page.error_message ~* ${pattern})
        returning 1
      )
      select (select count(*) from page)::int as seen, (select count(*) from redacted)::int as redacted,
             (select array[delivery_id::text, id::text] from page order by delivery_id desc, id desc limit 1) as last`;
    return page as { seen: number; last: [string, string] | null; redacted: number };
  }

  /** Inbound events, newest first. One that waits for its processing is not processed: that would bring the person back. */
  async redactInboundEvents(
    tenantId: string,
    { pattern, replacement, now }: Redaction,
    belowId: string | null,
    limit: number,
  ): Promise<RedactedPage> {
    const page = await this.prisma.$queryRaw<
      { id: string; found: boolean; kind: PayloadKind; payload: string | null }[]
    >`
      select id, payload ~* ${pattern} or headers ~* ${pattern} or coalesce(result ~* ${pattern}, false)
                 or coalesce(error_message ~* ${pattern}, false) as found,
             payload_kind as kind, case when payload_kind = 'base64' then payload end as payload
      from integration_events
      where tenant_id = ${tenantId}::uuid and id < ${belowId ?? HIGHEST_ID}::uuid order by id desc limit ${limit}`;
    const inJavaScript = new RegExp(pattern, 'i');
    const ids = page
      .filter(
        ({ found, kind, payload }) =>
          found || (payload !== null && inJavaScript.test(bytesOf({ kind, text: payload }).toString('latin1'))),
      )
      .map(({ id }) => id);
    const words = 'Erased on request.';
    await this.prisma.$executeRaw`
      with redacted as (
        update integration_events set payload = ${replacement}, payload_kind = 'json', headers = '{}', result = null,
               error_message = case when status in ('received', 'processing') then ${words} end,
               processed_at = coalesce(processed_at, ${now}::timestamptz), due_at = null,
               status = case when status in ('received', 'processing') then 'ignored' else status end
        where tenant_id = ${tenantId}::uuid and id = any(${ids}::uuid[])
      )
      update inbound_attempts set error_message = ${words}
      where tenant_id = ${tenantId}::uuid and event_id = any(${ids}::uuid[]) and error_message is not null`;
    return { seen: page.length, last: page.at(-1)?.id ?? null, redacted: ids.length, cancelled: 0 };
  }

  /** What is kept for a while only: answers given to requests, refused requests, rows on their way in. @returns how many went */
  async removeKept(tenantId: string, { pattern }: Redaction): Promise<number> {
    const removed = await this.prisma.$transaction([
      this.prisma
        .$executeRaw`delete from idempotency_keys where tenant_id = ${tenantId}::uuid and response ~* ${pattern}`,
      this.prisma.$executeRaw`
        delete from source_refusals where tenant_id = ${tenantId}::uuid
          and (path ~* ${pattern} or headers ~* ${pattern} or body_excerpt ~* ${pattern})`,
      this.prisma.$executeRaw`
        delete from posthaste_outbox where tenant_id = ${tenantId}::uuid
          and (data::text ~* ${pattern} or metadata::text ~* ${pattern} or error ~* ${pattern})`,
      this.prisma.$executeRaw`
        delete from contact_import_rows where tenant_id = ${tenantId}::uuid and contact::text ~* ${pattern}`,
      this.prisma.$executeRaw`
        update contact_import_errors set message = ${ERASED} where tenant_id = ${tenantId}::uuid and message ~* ${pattern}`,
    ]);
    return removed.reduce((sum, count) => sum + count, 0);
  }
}
