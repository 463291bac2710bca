import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { EventCatalog } from '../event-types/event-catalog.js';
import { ApiPage } from '../http/page.decorator.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  CreatedSubscriptionView,
  CreateSubscription,
  FilterCheck,
  FilterCheckResult,
  RenewSubscription,
  RotatedSecretView,
  RotateSecret,
  SubscriptionQuery,
  SubscriptionView,
  UpdateSubscription,
} from './subscription.dto.js';
import { SubscriptionService } from './subscription.service.js';

@ApiTags('Subscriptions')
@Controller('api/v1/subscriptions')
export class SubscriptionController {
  constructor(
    private readonly subscriptions: SubscriptionService,
    private readonly catalog: EventCatalog,
  ) {}

  /** Create a subscription. Answers 201 with its secret, or 200 when one with the same externalKey was updated. */
  @Post()
  @RequireScope('webhooks:write')
  @ApiCreatedResponse({ type: CreatedSubscriptionView, description: 'Created; the secret is shown here once.' })
  @ApiOkResponse({ type: SubscriptionView, description: 'One with the same externalKey was updated.' })
  @Audited('subscription.created')
  async create(
    @CurrentTenant() tenantId: string,
    @Body() input: CreateSubscription,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedSubscriptionView> {
    const { view, secret } = await this.subscriptions.create(tenantId, input);
    if (secret === undefined) reply.status(200);
    return { ...view, ...(secret !== undefined && { secret }) };
  }

  /** List subscriptions, newest first. */
  @Get()
  @RequireScope('webhooks:read')
  @ApiPage(SubscriptionView)
  list(@CurrentTenant() tenantId: string, @Query() query: SubscriptionQuery) {
    return this.subscriptions.list(tenantId, query);
  }

  /** Show a subscription. */
  @Get(':id')
  @RequireScope('webhooks:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<SubscriptionView> {
    return this.subscriptions.get(tenantId, id);
  }

  /** Change a subscription; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('webhooks:write')
  @Audited('subscription.updated')
  update(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: UpdateSubscription,
  ): Promise<SubscriptionView> {
    return this.subscriptions.update(tenantId, id, input);
  }

  /** Delete a subscription; its waiting deliveries are cancelled. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('webhooks:write')
  @Audited('subscription.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.subscriptions.delete(tenantId, id);
  }

  /** Move its end: to a time, or so many seconds from now. What waited since it expired is sent. */
  @Post(':id/renew')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @Audited('subscription.renewed')
  renew(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: RenewSubscription,
  ): Promise<SubscriptionView> {
    return this.subscriptions.renew(tenantId, id, input);
  }

  /** Give it a new signing secret; the old one signs beside it for the overlap. The secret is shown here once. */
  @Post(':id/rotate-secret')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @Audited('subscription.secret_rotated')
  rotateSecret(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: RotateSecret,
  ): Promise<RotatedSecretView> {
    return this.subscriptions.rotateSecret(tenantId, id, input);
  }

  /** Switch it on where it is off, end a pause or a hold, and send what waited. */
  @Post(':id/resume')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @Audited('subscription.resumed')
  resume(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<SubscriptionView> {
    return this.subscriptions.resume(tenantId, id);
  }

  /** Try a payload filter on data of your own, or on the sample of an event type. */
  @Post('filter-check')
  @HttpCode(200)
  @RequireScope('webhooks:read')
  async checkFilter(@CurrentTenant() tenantId: string, @Body() input: FilterCheck): Promise<FilterCheckResult> {
    const { filter, data, eventType } = input;
    return this.subscriptions.checkFilter(
      filter,
      data ?? (eventType === undefined ? undefined : (await this.catalog.sample(tenantId, eventType)).data),
    );
  }
}
