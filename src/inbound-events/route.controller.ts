import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { type Page, PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CreateRoute, RouteView, UpdateRoute } from './route.dto.js';
import { RouteService } from './route.service.js';

@ApiTags('Routes')
@Controller('api/v1/routes')
export class RouteController {
  constructor(private readonly routes: RouteService) {}

  /** Create a route: what comes in like this goes out like that. */
  @Post()
  @RequireScope('inbound:write')
  @Audited('route.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateRoute): Promise<RouteView> {
    return this.routes.create(tenantId, input);
  }

  /** List routes, newest first. */
  @Get()
  @RequireScope('inbound:read')
  @ApiPage(RouteView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery): Promise<Page<RouteView>> {
    return this.routes.list(tenantId, query);
  }

  /** Show a route. */
  @Get(':id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<RouteView> {
    return this.routes.get(tenantId, id);
  }

  /** Change a route; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('inbound:write')
  @Audited('route.updated')
  update(@CurrentTenant() tenantId: string, @Param('id') id: string, @Body() input: UpdateRoute): Promise<RouteView> {
    return this.routes.update(tenantId, id, input);
  }

  /** Delete a route. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('inbound:write')
  @Audited('route.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.routes.delete(tenantId, id);
  }
}
