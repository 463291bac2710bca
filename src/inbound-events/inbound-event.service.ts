import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { invalidField, notFound } from '../core/errors.js';
import { isEventTypeName } from '../core/event-pattern.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, pageOf, timeRange } from '../http/pagination.dto.js';
import { type InboundEventQuery, type InboundEventView, presentInboundEvent } from './inbound-event.dto.js';
import { type InboundEvent, InboundEventStore } from './inbound-event.store.js';

/** The source of events that came with a tenant's key and not from a provider. */
const TENANT_KEYED = 'api';
const KEPT_HEADERS = ['content-type', 'user-agent', 'webhook-id', 'idempotency-key', 'x-request-id'];

/** Takes inbound events in and shows them. */
@Injectable()
export class InboundEventService {
  constructor(
    private readonly store: InboundEventStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Stores what a workflow sent with the tenant's key; the same `Idempotency-Key` or `webhook-id` stores it once.
   * @param payload any JSON value
   */
  receive(
    tenantId: string,
    eventName: string,
    payload: unknown,
    headers: Record<string, unknown>,
  ): Promise<InboundEvent> {
    if (!isEventTypeName(eventName)) {
      throw invalidField(
        '/event_name',
        `"${eventName}" is not an event name: use words of letters, digits, _ and -, separated by dots, like "lead.captured".`,
      );
    }
    if (payload === undefined || payload === null)
      throw invalidField('', 'The body is empty. Send the event as JSON.', 'unparsable_body');
    const dedupeKey = headers['idempotency-key'] ?? headers['webhook-id'];
    return this.store.create(
      tenantId,
      {
        source: TENANT_KEYED,
        eventName,
        payload: JSON.stringify(payload),
        headers: Object.fromEntries(
          KEPT_HEADERS.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]),
        ),
        dedupeKey: dedupeKey === undefined ? null : `${eventName}:${String(dedupeKey)}`,
      },
      this.clock.now(),
    );
  }

  async get(tenantId: string, id: string): Promise<InboundEventView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('inbound event', id);
    return presentInboundEvent(row);
  }

  async list(tenantId: string, query: InboundEventQuery): Promise<Page<InboundEventView>> {
    const { source, eventName, status } = query;
    const rows = await this.store.list(
      tenantId,
      { source, eventName, status, ...timeRange(query) },
      cursorId(query),
      query.limit + 1,
    );
    return pageOf(rows, query.limit, presentInboundEvent);
  }
}
