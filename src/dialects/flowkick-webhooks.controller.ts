import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { DeliveryService } from '../deliveries/delivery.service.js';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  CreateFlowKickWebhook,
  FLOWKICK_DEFAULTS,
  FlowKickChanged,
  FlowKickCreated,
  FlowKickDone,
  FlowKickList,
  FlowKickShown,
  FlowKickTested,
  presentWebhook,
  presentWebhookDelivery,
  UpdateFlowKickWebhook,
} from './flowkick-webhooks.dto.js';
import { withPointers } from './pointer-names.js';

const MOST_LISTED = 1000;
const DELIVERIES_SHOWN = 50;
const NAMES = { eventTypes: 'events', enabled: 'active' };

/** `/api/admin/webhooks` as the FlowKick guide documents it, over the same subscriptions as the native API. */
@ApiTags('FlowKick: webhooks')
@Controller('api/admin/webhooks')
export class FlowKickWebhooksController {
  constructor(
    private readonly subscriptions: SubscriptionService,
    private readonly deliveries: DeliveryService,
  ) {}

  /** Create a webhook. Its secret is shown here once. */
  @Post()
  @RequireScope('webhooks:write')
  @Audited('subscription.created')
  async create(@CurrentTenant() tenantId: string, @Body() input: CreateFlowKickWebhook): Promise<FlowKickCreated> {
    const { events, active, ...rest } = { ...FLOWKICK_DEFAULTS, ...input };
    const { view, secret } = await withPointers(NAMES, () =>
      this.subscriptions.create(tenantId, { ...rest, eventTypes: events, enabled: active, bodyFormat: 'envelope' }),
    );
    return { success: true, webhook: { ...presentWebhook(view), secret } };
  }

  /** List webhooks, newest first, without their secrets. */
  @Get()
  @RequireScope('webhooks:read')
  async list(@CurrentTenant() tenantId: string): Promise<FlowKickList> {
    const { data } = await this.subscriptions.list(tenantId, { limit: MOST_LISTED });
    return { success: true, webhooks: data.map(presentWebhook) };
  }

  /** Show a webhook with its last 50 deliveries. */
  @Get(':id')
  @RequireScope('webhooks:read')
  async show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<FlowKickShown> {
    const view = await this.subscriptions.get(tenantId, id);
    const deliveries = await this.deliveries.latest(tenantId, id, DELIVERIES_SHOWN);
    return { success: true, webhook: { ...presentWebhook(view), deliveries: deliveries.map(presentWebhookDelivery) } };
  }

  /** Change a webhook; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('webhooks:write')
  @Audited('subscription.updated')
  async update(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: UpdateFlowKickWebhook,
  ): Promise<FlowKickChanged> {
    const { events, active, retryAttempts, retryDelay, ...rest } = input;
    // Either of the pair may come alone: the other stays what it is.
    const current = presentWebhook(await this.subscriptions.get(tenantId, id));
    const retries = retryAttempts !== undefined || retryDelay !== undefined;
    const view = await withPointers(NAMES, () =>
      this.subscriptions.update(tenantId, id, {
        ...rest,
        ...(events !== undefined && { eventTypes: events }),
        ...(active !== undefined && { enabled: active }),
        ...(retries && {
          retryAttempts: retryAttempts ?? current.retryAttempts,
          retryDelay: retryDelay ?? current.retryDelay,
        }),
      }),
    );
    return { success: true, webhook: presentWebhook(view) };
  }

  /** Delete a webhook; its waiting deliveries are cancelled. */
  @Delete(':id')
  @RequireScope('webhooks:write')
  @Audited('subscription.deleted')
  async delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<FlowKickDone> {
    await this.subscriptions.delete(tenantId, id);
    return { success: true };
  }

  /** Send a test payload and wait for the answer. */
  @Post(':id/test')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @Audited('subscription.tested')
  async test(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<FlowKickTested> {
    const delivery = presentWebhookDelivery(await this.deliveries.test(tenantId, id));
    return { success: delivery.status === 'success', delivery };
  }
}
