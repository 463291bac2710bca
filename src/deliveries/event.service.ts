import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { EventCatalog } from '../event-types/event-catalog.js';
import { cursorId, type Page, pageOf, timeRange } from '../http/pagination.dto.js';
import { logger } from '../observability/logger.js';
import { presentDelivery } from './delivery.dto.js';
import type {
  AcceptedEvent,
  BatchAnswer,
  BatchEntry,
  EventQuery,
  EventView,
  EventWithDeliveries,
  PublishEvent,
} from './event.dto.js';
import { EventStore, type NewEvent, type StoredEvent } from './event.store.js';
import { EventPublisher } from './event-publisher.js';

export const MAX_BATCH = 1000;

/** Accepts events of host applications and shows what became of them. */
@Injectable()
export class EventService {
  constructor(
    private readonly catalog: EventCatalog,
    private readonly publisher: EventPublisher,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError invalid_request, unknown_event_type, invalid_event_data */
  async publish(tenantId: string, input: PublishEvent): Promise<AcceptedEvent> {
    const event = await this.check(tenantId, input);
    return accepted(event.type, await this.publisher.publish(event));
  }

  /** Each entry is accepted or refused for itself; the accepted ones share one commit. */
  async publishBatch(tenantId: string, inputs: unknown[]): Promise<BatchAnswer> {
    const checked = await Promise.all(inputs.map((input) => this.examine(tenantId, input)));
    const events = checked.filter((entry): entry is NewEvent => !('error' in entry));
    const stored = await this.publisher.publishAll(events);
    const answers = stored.values();
    const data = checked.map(
      (entry): BatchEntry => ('error' in entry ? entry : accepted(entry.type, answers.next().value as StoredEvent)),
    );
    return { data, accepted: events.length, rejected: inputs.length - events.length };
  }

  async get(tenantId: string, id: string): Promise<EventWithDeliveries> {
    const event = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!event) throw notFound('event', id);
    const deliveries = await this.store.listDeliveries(tenantId, id);
    return { ...presentEvent(event), deliveries: deliveries.map((delivery) => presentDelivery(delivery, event.type)) };
  }

  async list(tenantId: string, query: EventQuery): Promise<Page<EventView>> {
    const rows = await this.store.list(
      tenantId,
      { type: query.type, ...timeRange(query) },
      cursorId(query),
      query.limit + 1,
    );
    return pageOf(rows, query.limit, presentEvent);
  }

  /** An entry that came some other way than as the body of a request: what would be published of it, or why it would be refused. */
  async examine(tenantId: string, input: unknown): Promise<NewEvent | { error: NonNullable<BatchEntry['error']> }> {
    try {
      return await this.check(tenantId, parsePublishEvent(input));
    } catch (thrown) {
      if (thrown instanceof AppError)
        return { error: { code: thrown.code, detail: thrown.message, errors: thrown.details.errors } };
      logger.error({ err: thrown }, 'batch entry could not be checked');
      throw thrown;
    }
  }

  private async check(tenantId: string, input: PublishEvent): Promise<NewEvent> {
    const { type, data, occurredAt, channel, orderingKey, metadata } = input;
    await this.catalog.check(tenantId, type, data);
    refuseNul('/channel', channel);
    refuseNul('/orderingKey', orderingKey);
    return {
      tenantId,
      type,
      data: JSON.stringify(data),
      metadata: metadata === undefined ? null : JSON.stringify(metadata),
      channel: channel ?? null,
      orderingKey: orderingKey ?? null,
      occurredAt: occurredAt === undefined ? this.clock.now() : new Date(occurredAt),
    };
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
const FIELDS = new Set(['type', 'data', 'occurredAt', 'channel', 'orderingKey', 'metadata']);

/**
 * The rules of the PublishEvent DTO by hand: this runs for every event, and class-transformer would copy `data` deep for each.
 * @throws AppError invalid_request with pointers
 */
export function parsePublishEvent(body: unknown): PublishEvent {
  if (!isObject(body)) throw invalidField('', 'An event is a JSON object {type, data, …}.');
  for (const name of Object.keys(body)) {
    if (!FIELDS.has(name))
      throw invalidField(`/${name}`, `An event has no field "${name}": put what happened into data.`);
  }
  const { type, data, occurredAt, channel, orderingKey, metadata } = body;
  if (typeof type !== 'string') throw invalidField('/type', 'type must be a string like "contact.created".');
  if (!isObject(data)) throw invalidField('/data', 'data must be a JSON object.');
  if (metadata !== undefined && !isObject(metadata)) throw invalidField('/metadata', 'metadata must be a JSON object.');
  if (
    occurredAt !== undefined &&
    !(typeof occurredAt === 'string' && ISO_TIME.test(occurredAt) && !Number.isNaN(Date.parse(occurredAt)))
  ) {
    throw invalidField('/occurredAt', 'occurredAt must be an ISO 8601 time with a zone, like "2026-01-31T10:00:00Z".');
  }
  checkText('/channel', channel, 128);
  checkText('/orderingKey', orderingKey, 256);
  return body as unknown as PublishEvent;
}

function refuseNul(pointer: string, value: string | undefined): void {
  if (value?.includes('\u0000')) throw invalidField(pointer, 'The NUL character cannot be stored.');
}

function checkText(pointer: string, value: unknown, maxLength: number): void {
  if (value === undefined || (typeof value === 'string' && value.length > 0 && value.length <= maxLength)) return;
  throw invalidField(pointer, `${pointer.slice(1)} must be a string of 1 to ${maxLength} characters.`);
}

function accepted(type: string, { id, createdAt, deliveries }: StoredEvent): AcceptedEvent {
  return { id, type, createdAt, deliveries: deliveries.length };
}

function presentEvent(event: NonNullable<Awaited<ReturnType<EventStore['find']>>>): EventView {
  return {
    id: event.id,
    tenantId: event.tenantId,
    type: event.type,
    data: JSON.parse(event.data) as Record<string, unknown>,
    metadata: event.metadata === null ? null : (JSON.parse(event.metadata) as Record<string, unknown>),
    channel: event.channel,
    orderingKey: event.orderingKey,
    occurredAt: event.occurredAt,
    createdAt: event.createdAt,
  };
}
