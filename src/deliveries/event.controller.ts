import type { IncomingHttpHeaders } from 'node:http';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { invalidField } from '../core/errors.js';
import { FastLane } from '../http/fast-lane.js';
import { ApiPage } from '../http/page.decorator.js';
import { CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { FastAccess } from '../tenants/fast-access.js';
import { AcceptedEvent, BatchAnswer, EventQuery, EventView, EventWithDeliveries, PublishEvent } from './event.dto.js';
import { EventService, MAX_BATCH, parsePublishEvent } from './event.service.js';

@ApiTags('Events')
@Controller('api/v1/events')
export class EventController {
  constructor(
    private readonly events: EventService,
    access: FastAccess,
    lane: FastLane,
  ) {
    // A repeat is told from a first request by those who keep the keys.
    const admit = (headers: IncomingHttpHeaders) =>
      headers['idempotency-key'] === undefined ? access.admit(headers, 'events:write') : null;
    lane.add({
      path: '/api/v1/events',
      admit,
      answer: ({ caller, body }) => this.publish(caller.tenantId, lane.json(body)),
    });
    lane.add({
      path: '/api/v1/events/batch',
      admit,
      answer: ({ caller, body }) => this.publishBatch(caller.tenantId, lane.json(body)),
    });
  }

  /** Publish an event: it is committed, with one delivery for each matching subscription, before this answers. */
  @Post()
  @HttpCode(202)
  @RequireScope('events:write')
  @ApiBody({ type: PublishEvent })
  publish(@CurrentTenant() tenantId: string, @Body() body: unknown): Promise<AcceptedEvent> {
    return this.events.publish(tenantId, parsePublishEvent(body));
  }

  /** Publish up to 1,000 events in one commit. Entries that are refused say why; the others are accepted. */
  @Post('batch')
  @HttpCode(202)
  @RequireScope('events:write')
  @ApiBody({ type: [PublishEvent] })
  publishBatch(@CurrentTenant() tenantId: string, @Body() body: unknown): Promise<BatchAnswer> {
    if (!Array.isArray(body) || body.length === 0 || body.length > MAX_BATCH) {
      throw invalidField('', `A batch is a JSON array of 1 to ${MAX_BATCH} events.`);
    }
    return this.events.publishBatch(tenantId, body);
  }

  /** List events, newest first. */
  @Get()
  @RequireScope('events:read')
  @ApiPage(EventView)
  list(@CurrentTenant() tenantId: string, @Query() query: EventQuery) {
    return this.events.list(tenantId, query);
  }

  /** Show an event with its deliveries. */
  @Get(':id')
  @RequireScope('events:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<EventWithDeliveries> {
    return this.events.get(tenantId, id);
  }
}
