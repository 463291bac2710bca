import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isEventTypeName } from '../core/event-pattern.js';
import { isUniqueViolation } from '../database/prisma.service.js';
import { TenantCache } from '../tenants/tenant-cache.js';
import { TenantChanges } from '../tenants/tenant-changes.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import type { CreateEventType, EventSample, EventTypeQuery, EventTypeView, UpdateEventType } from './event-type.dto.js';
import { type EventType, EventTypeStore } from './event-type.store.js';
import { backtracking, SchemaValidator } from './schema-validator.js';
import { BUILT_IN_EVENT_TYPES, type BuiltInEventType, findBuiltInEventType } from './vocabularies/catalog.js';

const REMEMBERED_TENANTS = 10_000;
const REMEMBERED_MS = 5_000;

/** The event types of a tenant: the built-in vocabularies and its own entries. */
@Injectable()
export class EventCatalog {
  private readonly own: TenantCache<Map<string, EventType>>;

  constructor(
    private readonly store: EventTypeStore,
    private readonly validator: SchemaValidator,
    private readonly settings: TenantSettings,
    private readonly changes: TenantChanges,
    private readonly clock: Clock,
  ) {
    this.own = new TenantCache(clock, changes, { maxEntries: REMEMBERED_TENANTS, ttlMs: REMEMBERED_MS });
  }

  /**
   * Whether an event may be published.
   * @param data the parsed `data`
   * @throws AppError invalid_request, unknown_event_type (strict tenants), invalid_event_data with pointers into `/data`
   */
  async check(tenantId: string, type: string, data: unknown): Promise<void> {
    if (!isEventTypeName(type)) {
      throw invalidField(
        '/type',
        `"${type}" is not an event type: use words of letters, digits, _ and -, separated by dots, like "contact.created".`,
      );
    }
    const own = (await this.ownTypes(tenantId)).get(type);
    const entry = own ?? findBuiltInEventType(type);
    if (!entry) {
      if (!(await this.settings.get(tenantId)).strictEventTypes) return;
      throw invalidField(
        '/type',
        `"${type}" is not in the catalog, and this tenant accepts catalogued types only: add it with POST /api/v1/event-types.`,
        'unknown_event_type',
      );
    }
    if (!entry.schema) return;
    const schema = entry.schema as Record<string, unknown>;
    const problems = own
      ? this.validator.validate(`${tenantId}/${type}/${own.updatedAt.getTime()}`, schema, data)
      : this.validator.validate(type, schema, data, backtracking);
    if (problems.length === 0) return;
    throw new AppError('invalid_event_data', {
      detail: `The data does not fit the schema of "${type}": ${problems.map((p) => `${p.pointer || '/'} ${p.detail}`).join('; ')}`,
      errors: problems.map((p) => ({ pointer: `/data${p.pointer}`, detail: p.detail })),
    });
  }

  /** The built-in types and the tenant's own, by name. */
  async list(tenantId: string, query: EventTypeQuery): Promise<EventTypeView[]> {
    const own = (await this.store.list(tenantId)).map(presentOwn);
    const names = new Set(own.map((type) => type.name));
    const builtIn = BUILT_IN_EVENT_TYPES.filter((type) => !names.has(type.name)).map(presentBuiltIn);
    const wanted = query.search?.toLowerCase();
    return [...own, ...builtIn]
      .filter((type) => query.vocabulary === undefined || type.vocabulary === query.vocabulary)
      .filter((type) => !wanted || `${type.name} ${type.description}`.toLowerCase().includes(wanted))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async get(tenantId: string, name: string): Promise<EventTypeView> {
    const own = await this.store.find(tenantId, name);
    const builtIn = findBuiltInEventType(name);
    if (own) return presentOwn(own);
    if (builtIn) return presentBuiltIn(builtIn);
    throw notFound('event type', name);
  }

  /** What a delivery of this type would carry. */
  async sample(tenantId: string, name: string): Promise<EventSample> {
    const type = await this.get(tenantId, name);
    const metadata = type.builtIn ? findBuiltInEventType(name)?.exampleMetadata : undefined;
    return { event: name, timestamp: this.clock.now(), data: type.example ?? {}, ...(metadata && { metadata }) };
  }

  async create(tenantId: string, input: CreateEventType): Promise<EventTypeView> {
    const { name, ...values } = input;
    if (!isEventTypeName(name)) {
      throw invalidField(
        '/name',
        `"${name}" is not an event type: use words of letters, digits, _ and -, separated by dots, like "invoice.overdue".`,
      );
    }
    if (findBuiltInEventType(name)) throw new AppError('conflict', { detail: `"${name}" is a built-in event type.` });
    this.checkSchema(input);
    try {
      const row = await this.store.create(tenantId, name, values);
      await this.changes.announce(tenantId);
      return presentOwn(row);
    } catch (error) {
      if (isUniqueViolation(error))
        throw new AppError('conflict', { detail: `The event type "${name}" exists already.` });
      throw error;
    }
  }

  async update(tenantId: string, name: string, input: UpdateEventType): Promise<EventTypeView> {
    const current = await this.getOwn(tenantId, name);
    this.checkSchema({
      schema: current.schema as Record<string, unknown> | null,
      example: current.example as Record<string, unknown> | null,
      ...input,
    });
    const row = await this.store.update(tenantId, name, input);
    if (!row) throw notFound('event type', name);
    await this.changes.announce(tenantId);
    return presentOwn(row);
  }

  /** Events of this type that were accepted stay; new ones are no longer checked. */
  async delete(tenantId: string, name: string): Promise<void> {
    await this.getOwn(tenantId, name);
    await this.store.delete(tenantId, name);
    await this.changes.announce(tenantId);
  }

  private async getOwn(tenantId: string, name: string): Promise<EventType> {
    const own = await this.store.find(tenantId, name);
    if (own) return own;
    if (findBuiltInEventType(name))
      throw new AppError('forbidden', { detail: `"${name}" is a built-in event type and cannot be changed.` });
    throw notFound('event type', name);
  }

  /** A schema that cannot be used, or that refuses its own example, is refused when it is set, not when events come. */
  private checkSchema(input: UpdateEventType): void {
    if (!input.schema) return;
    const problems = this.validator.checkSchema(input.schema);
    if (problems.length > 0) {
      throw new AppError('invalid_request', {
        detail: `The schema cannot be used: ${problems.map((p) => p.detail).join('; ')}`,
        errors: problems.map((p) => ({ pointer: `/schema${p.pointer}`, detail: p.detail })),
      });
    }
    if (!input.example) return;
    const misfits = this.validator.validate(null, input.schema, input.example);
    if (misfits.length === 0) return;
    throw new AppError('invalid_request', {
      detail: `The example does not fit the schema: ${misfits.map((p) => `${p.pointer || '/'} ${p.detail}`).join('; ')}`,
      errors: misfits.map((p) => ({ pointer: `/example${p.pointer}`, detail: p.detail })),
    });
  }

  private async ownTypes(tenantId: string): Promise<Map<string, EventType>> {
    const known = this.own.peek(tenantId);
    if (known) return known;
    const loaded = await this.own.load(tenantId, async () => {
      const rows = await this.store.list(tenantId);
      return { tenantId, value: new Map(rows.map((row) => [row.name, row])) };
    });
    return loaded ?? new Map();
  }
}

function presentOwn(row: EventType): EventTypeView {
  return {
    name: row.name,
    vocabulary: row.vocabulary,
    description: row.description,
    builtIn: false,
    schema: row.schema as Record<string, unknown> | null,
    example: row.example as Record<string, unknown> | null,
  };
}

function presentBuiltIn(type: BuiltInEventType): EventTypeView {
  const { name, vocabulary, description, schema, example } = type;
  return { name, vocabulary, description, builtIn: true, schema: schema as Record<string, unknown>, example };
}
