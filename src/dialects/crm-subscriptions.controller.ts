import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  CreateCrmSubscription,
  CreatedCrmSubscription,
  CrmSubscription,
  CrmSubscriptionQuery,
  presentCrmSubscription,
  UpdateCrmSubscription,
} from './crm-subscriptions.dto.js';
import { withPointers } from './pointer-names.js';

const NAMES = { eventTypes: 'event_name', url: 'target_url' };

/** `/api/webhooks/subscriptions` as the CRM guide documents it: one event name each, the flat body, snake_case. */
@ApiTags('CRM: subscriptions')
@Controller('api/webhooks/subscriptions')
export class CrmSubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionService) {}

  /** Create a subscription. Its secret is shown here once. */
  @Post()
  @RequireScope('webhooks:write')
  @Audited('subscription.created')
  async create(
    @CurrentTenant() tenantId: string,
    @Body() input: CreateCrmSubscription,
  ): Promise<CreatedCrmSubscription> {
    const { view, secret } = await withPointers(NAMES, () =>
      this.subscriptions.create(tenantId, {
        url: input.target_url,
        eventTypes: [input.event_name],
        enabled: input.enabled,
        secret: input.secret,
        bodyFormat: 'flat',
      }),
    );
    return { ...presentCrmSubscription(view), secret };
  }

  /** List subscriptions, newest first. Where there are more, the header `x-next-cursor` has the `cursor` of the next page. */
  @Get()
  @RequireScope('webhooks:read')
  async list(
    @CurrentTenant() tenantId: string,
    @Query() query: CrmSubscriptionQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CrmSubscription[]> {
    const { event_name: eventType, target_url: url, limit, cursor } = query;
    const page = await this.subscriptions.list(tenantId, { eventType, url, limit, cursor });
    if (page.nextCursor) reply.header('x-next-cursor', page.nextCursor);
    return page.data.map(presentCrmSubscription);
  }

  /** Show a subscription. */
  @Get(':id')
  @RequireScope('webhooks:read')
  async show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<CrmSubscription> {
    return presentCrmSubscription(await this.subscriptions.get(tenantId, id));
  }

  /** Change a subscription; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('webhooks:write')
  @Audited('subscription.updated')
  async update(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: UpdateCrmSubscription,
  ): Promise<CrmSubscription> {
    const { event_name, target_url, enabled, secret } = input;
    const view = await withPointers(NAMES, () =>
      this.subscriptions.update(tenantId, id, {
        ...(target_url !== undefined && { url: target_url }),
        ...(event_name !== undefined && { eventTypes: [event_name] }),
        ...(enabled !== undefined && { enabled }),
        ...(secret !== undefined && { secret }),
      }),
    );
    return presentCrmSubscription(view);
  }

  /** Delete a subscription; its waiting deliveries are cancelled. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('webhooks:write')
  @Audited('subscription.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.subscriptions.delete(tenantId, id);
  }
}
