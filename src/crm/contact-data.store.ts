import { Injectable } from '@nestjs/common';
import { bytesOf, type PayloadKind } from '../core/payload.js';
import { PrismaService } from '../database/prisma.service.js';
import type { Contact } from '../generated/prisma/client.js';
import { type PersonKeys, partiesOf, patternOf } from './person-keys.js';

type Row = Record<string, unknown> & { id: string };

/** Rows of one kind, page by page. */
export type Pages = AsyncGenerator<Row[]>;

const PAGE = 500;
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

/** Everything that is held about one contact, oldest first; each kind is read by the page, so that there may be any number of rows. */
@Injectable()
export class ContactDataStore {
  constructor(private readonly prisma: PrismaService) {}

  findContact(tenantId: string, id: string): Promise<Contact | null> {
    return this.prisma.contact.findUnique({ where: { id, tenantId } });
  }

  listTags(tenantId: string, contactId: string): Promise<{ id: string; name: string; appliedAt: Date }[]> {
    return this.prisma.$queryRaw`
      select t.id, t.name, ct.applied_at as "appliedAt"
      from contact_tags ct join tags t on t.tenant_id = ct.tenant_id and t.id = ct.tag_id
      where ct.tenant_id = ${tenantId}::uuid and ct.contact_id = ${contactId}::uuid
      order by ct.applied_at, t.name`;
  }

  consents(tenantId: string, contactId: string): Pages {
    return pages((id) => this.prisma.contactConsent.findMany(after(id, { tenantId, contactId })));
  }

  bookings(tenantId: string, contactId: string): Pages {
    return pages((id) => this.prisma.booking.findMany(after(id, { tenantId, contactId })));
  }

  qrCodes(tenantId: string, contactId: string): Pages {
    return pages((id) => this.prisma.qrCode.findMany(after(id, { tenantId, contactId })));
  }

  interactions(tenantId: string, contactId: string): Pages {
    return pages((id) => this.prisma.interaction.findMany(after(id, { tenantId, contactId })));
  }

  conversations(tenantId: string, person: PersonKeys): Pages {
    const where = conversationsOf(tenantId, person);
    return pages((id) => this.prisma.conversation.findMany(after(id, where)));
  }

  async *messages(tenantId: string, person: PersonKeys): Pages {
    for await (const conversations of this.conversations(tenantId, person)) {
      for (const { id: conversationId } of conversations)
        yield* pages((id) => this.prisma.message.findMany(after(id, { tenantId, conversationId })));
    }
  }

  deals(tenantId: string, contactId: string): Pages {
    return pages((id) => this.prisma.deal.findMany(after(id, { tenantId, contactId })));
  }

  invoices(tenantId: string, { contactId, email }: PersonKeys): Pages {
    const OR = [{ contactId }, ...(email === null ? [] : [{ customerEmail: email }])];
    return pages((id) => this.prisma.invoice.findMany(after(id, { tenantId, OR })));
  }

  /** Stored events that contain the person, each with the deliveries of it: to whom it went, and when. */
  async *events(tenantId: string, person: PersonKeys): Pages {
    const pattern = patternOf(person);
    const found = looked(
      (id) => this.prisma.$queryRaw<(Row & { found: boolean; data: string; metadata: string | null })[]>`
        select id, type, channel, ordering_key as "orderingKey", occurred_at as "occurredAt", created_at as "createdAt",
               found, case when found then data end as data, case when found then metadata end as metadata
        from (
          select *, data ~* ${pattern} or coalesce(metadata ~* ${pattern}, false) as found from (
            select * from events where tenant_id = ${tenantId}::uuid and id > ${id}::uuid order by id limit ${PAGE}
          ) page
        ) searched order by id`,
    );
    for await (const events of found) {
      const deliveries = await this.deliveriesOf(
        tenantId,
        events.map(({ id }) => id),
      );
      yield events.map(({ found: _found, data, metadata, ...event }) => ({
        ...event,
        data: parsed(data),
        metadata: metadata === null ? null : parsed(metadata),
        deliveries: deliveries.get(event.id) ?? [],
      }));
    }
  }

  /** Inbound requests that contain the person. */
  async *inboundEvents(tenantId: string, person: PersonKeys): Pages {
    const pattern = patternOf(person);
    const inJavaScript = new RegExp(pattern, 'i');
    const found = looked(async (id) => {
      const rows = await this.prisma.$queryRaw<(Row & { found: boolean; kind: PayloadKind; payload: string | null })[]>`
        select id, source, event_name as "eventName", status, received_at as "receivedAt", payload_kind as kind, found,
               case when found or payload_kind = 'base64' then payload end as payload
        from (
          select *, payload ~* ${pattern} or headers ~* ${pattern} or coalesce(result ~* ${pattern}, false) as found from (
            select * from integration_events where tenant_id = ${tenantId}::uuid and id > ${id}::uuid order by id limit ${PAGE}
          ) page
        ) searched order by id`;
      return rows.map(({ found, ...row }) => ({
        ...row,
        found:
          found ||
          (row.payload !== null &&
            inJavaScript.test(bytesOf({ kind: row.kind, text: row.payload }).toString('latin1'))),
      }));
    });
    for await (const events of found) {
      yield events.map(({ found: _found, kind, payload, ...event }) => ({
        ...event,
        payload: kind === 'json' && payload !== null ? parsed(payload) : payload,
        payloadKind: kind,
      }));
    }
  }

  /** What members and keys did that names the contact's id. */
  auditEntries(tenantId: string, contactId: string): Pages {
    return pages(
      (id) => this.prisma.$queryRaw<Row[]>`
        select id, action, actor_kind as "actorKind", actor_name as "actorName", details, created_at as "createdAt" from audit_log
        where tenant_id = ${tenantId}::uuid and id > ${id ?? LOWEST_ID}::uuid
          and (target_id = ${contactId} or position(${contactId} in details::text) > 0)
        order by id limit ${PAGE}`,
    );
  }

  private async deliveriesOf(tenantId: string, eventIds: string[]): Promise<Map<string, unknown[]>> {
    const rows = await this.prisma.$queryRaw<(Row & { eventId: string })[]>`
      select d.event_id as "eventId", d.id, d.subscription_id as "subscriptionId", s.url, d.status, d.attempt_count as "attemptCount",
             d.completed_at as "completedAt"
      from deliveries d left join subscriptions s on s.tenant_id = d.tenant_id and s.id = d.subscription_id
      where d.tenant_id = ${tenantId}::uuid and d.event_id = any(${eventIds}::uuid[]) order by d.id`;
    const byEvent = new Map<string, unknown[]>();
    for (const { eventId, ...delivery } of rows) byEvent.set(eventId, [...(byEvent.get(eventId) ?? []), delivery]);
    return byEvent;
  }
}

function conversationsOf(tenantId: string, person: PersonKeys) {
  const { contactId } = person;
  return { tenantId, OR: [{ contactId }, { isGroup: false, party: { in: partiesOf(person) } }] };
}

function after<Where extends object>(id: string | undefined, where: Where) {
  return { where: { ...where, id: { gt: id } }, orderBy: { id: 'asc' as const }, take: PAGE };
}

async function* pages(find: (afterId: string | undefined) => Promise<Row[]>): Pages {
  for (let afterId: string | undefined; ; ) {
    const rows = await find(afterId);
    yield rows.map(({ tenantId: _tenantId, contactId: _contactId, ...row }) => row as Row);
    if (rows.length < PAGE) return;
    afterId = (rows.at(-1) as Row).id;
  }
}

/** Of tables that are searched: pages of what was found, the rest of each page is passed over. */
async function* looked<Found extends Row & { found: boolean }>(
  find: (afterId: string) => Promise<Found[]>,
): AsyncGenerator<Found[]> {
  for (let afterId = LOWEST_ID; ; ) {
    const rows = await find(afterId);
    const found = rows.filter((row) => row.found);
    if (found.length > 0) yield found;
    if (rows.length < PAGE) return;
    afterId = (rows.at(-1) as Found).id;
  }
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}
