import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CreateTool, ToolQuery, ToolView, UpdateTool } from './tool.dto.js';
import { ToolService } from './tool.service.js';

@ApiTags('Bookings')
@Controller('api/v1/tools')
export class ToolController {
  constructor(private readonly tools: ToolService) {}

  /** Create a tool: a table, a room or a service that can be booked. */
  @Post()
  @RequireScope('data:write')
  @Audited('tool.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateTool): Promise<ToolView> {
    return this.tools.create(tenantId, input);
  }

  /** List tools, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(ToolView)
  list(@CurrentTenant() tenantId: string, @Query() query: ToolQuery): Promise<Page<ToolView>> {
    return this.tools.list(tenantId, query);
  }

  /** Show a tool. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ToolView> {
    return this.tools.get(tenantId, id);
  }

  /** Change a tool; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('tool.updated')
  update(@CurrentTenant() tenantId: string, @Param('id') id: string, @Body() input: UpdateTool): Promise<ToolView> {
    return this.tools.update(tenantId, id, input);
  }

  /** Delete a tool that has no bookings. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('tool.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.tools.delete(tenantId, id);
  }
}
