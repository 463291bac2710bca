import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { AutomationTaskQuery, AutomationTaskView } from './automation-task.dto.js';
import { AutomationTaskService } from './automation-task.service.js';

@ApiTags('Automations')
@Controller('api/v1/automation-tasks')
export class AutomationTaskController {
  constructor(private readonly tasks: AutomationTaskService) {}

  /** List what automations did, do and could not do at providers, newest first. */
  @Get()
  @RequireScope('inbound:read')
  @ApiPage(AutomationTaskView)
  list(@CurrentTenant() tenantId: string, @Query() query: AutomationTaskQuery): Promise<Page<AutomationTaskView>> {
    return this.tasks.list(tenantId, query);
  }

  /** Show a task. */
  @Get(':id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<AutomationTaskView> {
    return this.tasks.get(tenantId, id);
  }

  /** Try a task again that failed or was skipped, for instance after the credentials of a connection were mended. */
  @Post(':id/retry')
  @HttpCode(200)
  @RequireScope('inbound:write')
  @Audited('automation_task.retried')
  retry(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<AutomationTaskView> {
    return this.tasks.retry(tenantId, id);
  }
}
