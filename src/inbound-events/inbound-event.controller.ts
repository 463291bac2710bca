import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { CurrentTenant, RequireScope, TenantKeyed } from '../tenants/access.decorator.js';
import { InboundEventQuery, InboundEventView, ReceivedEvent } from './inbound-event.dto.js';
import { InboundEventService } from './inbound-event.service.js';

@ApiTags('Inbound events')
@Controller('api')
export class InboundEventController {
  constructor(private readonly inbound: InboundEventService) {}

  /** Send an event in, with `X-Tenant-ID` and `X-API-Key` (the CRM guide, "Send Webhook from n8n/Activepieces"). */
  @Post('webhooks/:event_name')
  @HttpCode(202)
  @TenantKeyed()
  @RequireScope('inbound:write')
  @ApiBody({ schema: { description: 'Any JSON.' } })
  async receive(
    @CurrentTenant() tenantId: string,
    @Param('event_name') eventName: string,
    @Body() payload: unknown,
    @Headers() headers: Record<string, unknown>,
  ): Promise<ReceivedEvent> {
    const event = await this.inbound.receive(tenantId, eventName, payload, headers);
    return {
      id: event.id,
      tenant_id: event.tenantId,
      event_name: event.eventName,
      payload: JSON.parse(event.payload),
      status: event.status,
      received_at: event.receivedAt,
    };
  }

  /** List inbound events, newest first. */
  @Get('v1/inbound-events')
  @RequireScope('inbound:read')
  @ApiPage(InboundEventView)
  list(@CurrentTenant() tenantId: string, @Query() query: InboundEventQuery) {
    return this.inbound.list(tenantId, query);
  }

  /** Show an inbound event with its payload. */
  @Get('v1/inbound-events/:id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<InboundEventView> {
    return this.inbound.get(tenantId, id);
  }
}
