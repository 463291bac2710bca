import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { FastLane } from '../http/fast-lane.js';
import { OwnIdempotency } from '../http/idempotency.interceptor.js';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import type { RawBodyRoute } from '../http/raw-body.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope, TenantKeyed } from '../tenants/access.decorator.js';
import { FastAccess } from '../tenants/fast-access.js';
import type { Principal } from '../tenants/principal.js';
import {
  InboundEventQuery,
  InboundEventView,
  InboundEventWithAttempts,
  ReceivedEvent,
  ReprocessFilter,
} from './inbound-event.dto.js';
import { InboundEventService, type TenantKeyedRequest } from './inbound-event.service.js';
import { rawHeader } from './wire-request.js';

@ApiTags('Inbound events')
@Controller('api')
export class InboundEventController {
  constructor(
    private readonly inbound: InboundEventService,
    access: FastAccess,
    lane: FastLane,
  ) {
    lane.add({
      path: '/api/webhooks/:event_name',
      admit: (headers) => access.admitTenantKeyed(headers, 'inbound:write'),
      answer: ({ caller, name, headers, ...rest }) =>
        this.take({ principal: caller, eventName: name, headers, contentType: headers['content-type'], ...rest }),
    });
  }

  /** Send an event in, with `X-Tenant-ID` and `X-API-Key` (the CRM guide, "Send Webhook from n8n/Activepieces"). */
  @Post('webhooks/:event_name')
  @HttpCode(202)
  @TenantKeyed()
  @RequireScope('inbound:write')
  @OwnIdempotency()
  @RouteConfig({ rawBody: { large: false } } satisfies RawBodyRoute)
  @ApiBody({ schema: { description: 'Any JSON.' } })
  receive(
    @CurrentPrincipal() principal: Principal,
    @Param('event_name') eventName: string,
    @Req() request: FastifyRequest,
  ): Promise<ReceivedEvent> {
    return this.take({
      principal,
      eventName,
      body: request.body as Buffer | undefined,
      headers: request.headers,
      contentType: rawHeader(request, 'content-type'),
      remoteAddress: request.ip,
    });
  }

  /** List inbound events, newest first. */
  @Get('v1/inbound-events')
  @RequireScope('inbound:read')
  @ApiPage(InboundEventView)
  list(@CurrentTenant() tenantId: string, @Query() query: InboundEventQuery): Promise<Page<InboundEventView>> {
    return this.inbound.list(tenantId, query);
  }

  /** Process all that match again, in the background: `GET /api/v1/jobs/{id}` says how far it is. */
  @Post('v1/inbound-events/reprocess')
  @HttpCode(202)
  @RequireScope('inbound:write')
  @Audited('inbound_events.reprocessed')
  reprocessAll(@CurrentPrincipal() principal: Principal, @Body() filter: ReprocessFilter): Promise<BackgroundJobView> {
    return this.inbound.reprocessAll(principal, filter);
  }

  /** Show an inbound event with its payload and how its processing went. */
  @Get('v1/inbound-events/:id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<InboundEventWithAttempts> {
    return this.inbound.get(tenantId, id);
  }

  /** Process an event again. What it has done already is not done twice. */
  @Post('v1/inbound-events/:id/reprocess')
  @HttpCode(202)
  @RequireScope('inbound:write')
  @Audited('inbound_event.reprocessed')
  reprocess(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<InboundEventWithAttempts> {
    return this.inbound.reprocess(tenantId, id);
  }

  private async take(request: TenantKeyedRequest): Promise<ReceivedEvent> {
    const event = await this.inbound.receive(request);
    return {
      id: event.id,
      tenant_id: request.principal.tenantId,
      event_name: request.eventName,
      payload: event.payload,
      status: event.status,
      received_at: event.receivedAt,
    };
  }
}
