import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { type Page, PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CreateStageAutomation, StageAutomationView, UpdateStageAutomation } from './stage-automation.dto.js';
import { StageAutomationService } from './stage-automation.service.js';

@ApiTags('Automations')
@Controller('api/v1/automations/stages')
export class StageAutomationController {
  constructor(private readonly stages: StageAutomationService) {}

  /** Say what happens when an opportunity enters a stage: a message, a tag, an event. */
  @Post()
  @RequireScope('inbound:write')
  @Audited('stage_automation.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateStageAutomation): Promise<StageAutomationView> {
    return this.stages.create(tenantId, input);
  }

  /** List what happens in which stage, newest first. */
  @Get()
  @RequireScope('inbound:read')
  @ApiPage(StageAutomationView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery): Promise<Page<StageAutomationView>> {
    return this.stages.list(tenantId, query);
  }

  /** Show what happens in a stage. */
  @Get(':id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<StageAutomationView> {
    return this.stages.get(tenantId, id);
  }

  /** Change what happens in a stage; absent fields stay as they are, null takes an action away. */
  @Patch(':id')
  @RequireScope('inbound:write')
  @Audited('stage_automation.updated')
  update(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: UpdateStageAutomation,
  ): Promise<StageAutomationView> {
    return this.stages.update(tenantId, id, input);
  }

  /** Let nothing happen in a stage any more. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('inbound:write')
  @Audited('stage_automation.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.stages.delete(tenantId, id);
  }
}
