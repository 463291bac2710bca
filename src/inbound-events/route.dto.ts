import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import type { InboundRoute } from './route.store.js';

export class RouteMatch {
  /** The event's name, `booking.*` for all that begin so, or `*`; without regard to the case. Default: `*`. */
  @MayBeAbsent()
  @Matches(/^[^*\s]{0,128}\*?$/, { message: 'eventName is a name, a beginning followed by *, or *' })
  @Length(1, 129)
  eventName?: string;

  /** A JSON filter over the payload, such as `{"data.stage": "won"}`: docs/guides/inbound.md has the language. */
  @IsOptional()
  @IsObject()
  filter?: Record<string, unknown> | null;
}

export class PublishAction {
  /** The type to publish as. */
  @IsString()
  @MaxLength(128)
  eventType: string;

  /**
   * The data, member by member: a JSON pointer into the payload (`"/payload/email"`), or `{"value": …}` for a fixed one. Dots
   * in a name make nested objects. Absent: the whole payload.
   */
  @IsOptional()
  @IsObject()
  fields?: Record<string, unknown> | null;
}

export class ForwardAction {
  @IsUUID()
  subscriptionId: string;

  /** Headers of the request that are passed on with its bytes; the content type always is. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(30)
  @Matches(/^[A-Za-z0-9-]{1,100}$/, { each: true })
  headers?: string[];
}

/** One of the two. */
export class RouteAction {
  /** Publish an event of the tenant. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => PublishAction)
  publish?: PublishAction;

  /** Send the original bytes to one subscription. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => ForwardAction)
  forward?: ForwardAction;
}

export class CreateRoute {
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  name?: string;

  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  /** Only events of this source; null: of all, and those that came with the tenant's key. */
  @IsOptional()
  @IsUUID()
  sourceId?: string | null;

  @MayBeAbsent()
  @ValidateNested()
  @Type(() => RouteMatch)
  match?: RouteMatch;

  @ValidateNested()
  @Type(() => RouteAction)
  action: RouteAction;
}

export class UpdateRoute {
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  name?: string;

  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  @IsOptional()
  @IsUUID()
  sourceId?: string | null;

  /** Replaced whole. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => RouteMatch)
  match?: RouteMatch;

  /** Replaced whole. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => RouteAction)
  action?: RouteAction;
}

export class RouteView {
  id: string;
  tenantId: string;
  name: string;
  enabled: boolean;
  sourceId: string | null;
  match: { eventName: string; filter: Record<string, unknown> | null };
  action: {
    publish?: { eventType: string; fields: Record<string, unknown> | null };
    forward?: { subscriptionId: string; headers: string[] };
  };
  createdAt: Date;
  updatedAt: Date;
}

export function presentRoute(row: InboundRoute): RouteView {
  const { id, tenantId, name, enabled, sourceId, createdAt, updatedAt } = row;
  return {
    id,
    tenantId,
    name,
    enabled,
    sourceId,
    match: { eventName: row.eventName, filter: row.filter as Record<string, unknown> | null },
    action:
      row.action === 'publish'
        ? { publish: { eventType: row.eventType ?? '', fields: row.fields as Record<string, unknown> | null } }
        : { forward: { subscriptionId: row.subscriptionId ?? '', headers: row.forwardHeaders } },
    createdAt,
    updatedAt,
  };
}
