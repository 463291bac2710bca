import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { BackgroundJobQuery, BackgroundJobView } from './background-job.dto.js';
import { BackgroundJobService } from './background-job.service.js';

@ApiTags('Jobs')
@Controller('api/v1/jobs')
export class BackgroundJobController {
  constructor(private readonly jobs: BackgroundJobService) {}

  /** List background jobs, newest first. */
  @Get()
  @ApiPage(BackgroundJobView)
  list(@CurrentTenant() tenantId: string, @Query() query: BackgroundJobQuery): Promise<Page<BackgroundJobView>> {
    return this.jobs.list(tenantId, query);
  }

  /** Show a background job and how far it is. */
  @Get(':id')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<BackgroundJobView> {
    return this.jobs.get(tenantId, id);
  }

  /** Stop a background job after the step it is at. */
  @Post(':id/cancel')
  @HttpCode(200)
  @RequireScope('admin')
  @Audited('job.cancelled')
  cancel(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<BackgroundJobView> {
    return this.jobs.cancel(tenantId, id);
  }
}
