import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { EventCatalog } from './event-catalog.js';
import { CreateEventType, EventSample, EventTypeQuery, EventTypeView, UpdateEventType } from './event-type.dto.js';

@ApiTags('Event types')
@Controller('api/v1/event-types')
export class EventTypeController {
  constructor(private readonly catalog: EventCatalog) {}

  /** List the catalog: built-in vocabularies and the tenant's own types, by name. */
  @Get()
  @RequireScope('events:read')
  @ApiPage(EventTypeView)
  async list(@CurrentTenant() tenantId: string, @Query() query: EventTypeQuery) {
    return { data: await this.catalog.list(tenantId, query), nextCursor: null };
  }

  /** Add an event type of the tenant's own. */
  @Post()
  @RequireScope('events:write')
  @Audited('event_type.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateEventType): Promise<EventTypeView> {
    return this.catalog.create(tenantId, input);
  }

  /** Show an event type with its schema and example. */
  @Get(':name')
  @RequireScope('events:read')
  show(@CurrentTenant() tenantId: string, @Param('name') name: string): Promise<EventTypeView> {
    return this.catalog.get(tenantId, name);
  }

  /** Change an event type of the tenant's own. */
  @Patch(':name')
  @RequireScope('events:write')
  @Audited('event_type.updated')
  update(
    @CurrentTenant() tenantId: string,
    @Param('name') name: string,
    @Body() input: UpdateEventType,
  ): Promise<EventTypeView> {
    return this.catalog.update(tenantId, name, input);
  }

  /** Remove an event type of the tenant's own. */
  @Delete(':name')
  @HttpCode(204)
  @RequireScope('events:write')
  @Audited('event_type.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('name') name: string): Promise<void> {
    return this.catalog.delete(tenantId, name);
  }

  /** What a delivery of this type would carry. */
  @Get(':name/sample')
  @RequireScope('events:read')
  sample(@CurrentTenant() tenantId: string, @Param('name') name: string): Promise<EventSample> {
    return this.catalog.sample(tenantId, name);
  }
}
