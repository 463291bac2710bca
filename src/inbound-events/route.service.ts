import { Injectable } from '@nestjs/common';
import { AppError, type FieldError, invalidField, notFound } from '../core/errors.js';
import { checkFilter } from '../core/event-filter.js';
import { isEventTypeName } from '../core/event-pattern.js';
import { mappingProblems } from '../core/field-mapping.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import { TenantChanges } from '../tenants/tenant-changes.js';
import { type CreateRoute, presentRoute, type RouteAction, type RouteView, type UpdateRoute } from './route.dto.js';
import { type InboundRoute, RouteStore, type RouteValues } from './route.store.js';

/** Each of a tenant's events is held against all of them. */
const MAX_ROUTES = 200;
/** Made anew for each delivery, or about the connection and not the message. */
const NOT_FORWARDED =
  /^(webhook-|x-webhook-|host$|content-length$|connection$|transfer-encoding$|expect$|upgrade$|te$|trailer$|keep-alive$|proxy-|authorization$|cookie$|x-posthaste-)/i;

/** Inbound to outbound without code. */
@Injectable()
export class RouteService {
  constructor(
    private readonly store: RouteStore,
    private readonly changes: TenantChanges,
  ) {}

  async create(tenantId: string, input: CreateRoute): Promise<RouteView> {
    if ((await this.store.count(tenantId)) >= MAX_ROUTES)
      throw invalidField('', `A tenant has at most ${MAX_ROUTES} routes.`);
    const row = await this.store.create(tenantId, {
      name: input.name ?? '',
      enabled: input.enabled ?? true,
      sourceId: await this.sourceOf(tenantId, input.sourceId ?? null),
      ...matchOf(input),
      ...(await this.actionOf(tenantId, input.action)),
    });
    await this.changes.announce(tenantId);
    return presentRoute(row);
  }

  async get(tenantId: string, id: string): Promise<RouteView> {
    return presentRoute(await this.getRow(tenantId, id));
  }

  async list(tenantId: string, query: PageQuery): Promise<Page<RouteView>> {
    const rows = await this.store.list(tenantId, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentRoute);
  }

  async update(tenantId: string, id: string, input: UpdateRoute): Promise<RouteView> {
    await this.getRow(tenantId, id);
    const row = await this.store.update(tenantId, id, {
      ...(input.name !== undefined && { name: input.name }),
      ...(input.enabled !== undefined && { enabled: input.enabled }),
      ...(input.sourceId !== undefined && { sourceId: await this.sourceOf(tenantId, input.sourceId) }),
      ...(input.match && matchOf(input)),
      ...(input.action && (await this.actionOf(tenantId, input.action))),
    });
    if (!row) throw notFound('route', id);
    await this.changes.announce(tenantId);
    return presentRoute(row);
  }

  async delete(tenantId: string, id: string): Promise<void> {
    if (!isUuid(id) || !(await this.store.delete(tenantId, id))) throw notFound('route', id);
    await this.changes.announce(tenantId);
  }

  private async getRow(tenantId: string, id: string): Promise<InboundRoute> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('route', id);
    return row;
  }

  private async sourceOf(tenantId: string, sourceId: string | null): Promise<string | null> {
    if (sourceId !== null && !(await this.store.sourceExists(tenantId, sourceId)))
      throw invalidField('/sourceId', `There is no source with the id "${sourceId}" in this tenant.`);
    return sourceId;
  }

  private async actionOf(tenantId: string, { publish, forward }: RouteAction): Promise<ActionValues> {
    if ((publish === undefined) === (forward === undefined))
      throw invalidField('/action', 'Give one action: {"publish": {…}} or {"forward": {…}}.');
    if (publish) {
      if (!isEventTypeName(publish.eventType))
        throw invalidField(
          '/action/publish/eventType',
          `"${publish.eventType}" is not an event type like "lead.created".`,
        );
      const fields = publish.fields ?? null;
      refuse('/action/publish/fields', fields ? mappingProblems(fields) : []);
      return { action: 'publish', eventType: publish.eventType, fields, subscriptionId: null, forwardHeaders: [] };
    }
    const { subscriptionId, headers = [] } = forward as NonNullable<typeof forward>;
    if (!(await this.store.subscriptionExists(tenantId, subscriptionId)))
      throw invalidField(
        '/action/forward/subscriptionId',
        `There is no subscription with the id "${subscriptionId}" in this tenant.`,
      );
    refuse(
      '/action/forward/headers',
      headers.flatMap((name, i) =>
        NOT_FORWARDED.test(name) ? [{ pointer: `/${i}`, detail: `The header "${name}" is not passed on.` }] : [],
      ),
    );
    const forwardHeaders = [...new Set(headers.map((name) => name.toLowerCase()))];
    return { action: 'forward', eventType: null, fields: null, subscriptionId, forwardHeaders };
  }
}

type ActionValues = Pick<RouteValues, 'action' | 'eventType' | 'fields' | 'subscriptionId' | 'forwardHeaders'>;

function matchOf({ match }: UpdateRoute): Pick<RouteValues, 'eventName' | 'filter'> {
  const filter = match?.filter ?? null;
  refuse('/match/filter', filter ? checkFilter(filter) : []);
  return { eventName: match?.eventName ?? '*', filter };
}

function refuse(pointer: string, problems: FieldError[]): void {
  if (problems.length === 0) return;
  throw new AppError('invalid_request', {
    detail: problems.map((problem) => problem.detail).join(' '),
    errors: problems.map((problem) => ({ ...problem, pointer: pointer + problem.pointer })),
  });
}
