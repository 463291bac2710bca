import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import { CreateDeal, DealQuery, DealStagesView, DealView, ReplaceDealStages, UpdateDeal } from './deal.dto.js';
import { DealService } from './deal.service.js';
import type { ChangeOrigin } from './domain-change.js';

@ApiTags('Deals')
@Controller('api/v1/deals')
export class DealController {
  constructor(private readonly deals: DealService) {}

  /** Create a deal. Told as `deal.created`, and as `deal.won` when it is. */
  @Post()
  @RequireScope('data:write')
  @Audited('deal.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateDeal,
  ): Promise<DealView> {
    return this.deals.create(tenantId, origin, input);
  }

  /** List deals, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(DealView)
  list(@CurrentTenant() tenantId: string, @Query() query: DealQuery): Promise<Page<DealView>> {
    return this.deals.list(tenantId, query);
  }

  /** Show a deal. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<DealView> {
    return this.deals.get(tenantId, id);
  }

  /** Change a deal or move it to another stage; absent fields stay as they are. Told as `deal.updated`, and as `deal.won` when it becomes so. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('deal.updated')
  update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateDeal,
  ): Promise<DealView> {
    return this.deals.update(tenantId, origin, id, input);
  }

  /** Delete a deal. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('deal.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.deals.delete(tenantId, id);
  }
}

@ApiTags('Deals')
@Controller('api/v1/deal-stages')
export class DealStageController {
  constructor(private readonly deals: DealService) {}

  /** List the stages of the tenant's pipeline, in its order; the built-in ones when it has not made its own. */
  @Get()
  @RequireScope('data:read')
  list(@CurrentTenant() tenantId: string): Promise<DealStagesView> {
    return this.deals.listStages(tenantId);
  }

  /** Replace the pipeline: add, rename, order and remove stages at once. A stage that deals are in cannot be left out. */
  @Put()
  @RequireScope('data:write')
  @Audited('deal-stages.replaced')
  replace(@CurrentTenant() tenantId: string, @Body() input: ReplaceDealStages): Promise<DealStagesView> {
    return this.deals.replaceStages(tenantId, input);
  }

  /** Take the built-in pipeline again. */
  @Delete()
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('deal-stages.reset')
  reset(@CurrentTenant() tenantId: string): Promise<void> {
    return this.deals.resetStages(tenantId);
  }
}
