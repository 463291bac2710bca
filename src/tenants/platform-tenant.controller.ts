import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiPage } from '../http/page.decorator.js';
import { type Page, PageQuery } from '../http/pagination.dto.js';
import { AuditLog, originOf } from './audit-log.js';
import { PlatformOnly } from './platform.guard.js';
import { CreatedTenantView, CreateTenant, UpdatePlatformTenant } from './platform-tenant.dto.js';
import { TenantService } from './tenant.service.js';
import { TenantView } from './tenant-settings.dto.js';

@ApiTags('Platform')
@Controller('api/v1/platform/tenants')
@PlatformOnly()
export class PlatformTenantController {
  constructor(
    private readonly tenants: TenantService,
    private readonly audit: AuditLog,
  ) {}

  /** List tenants, newest first. */
  @Get()
  @ApiPage(TenantView)
  list(@Query() query: PageQuery): Promise<Page<TenantView>> {
    return this.tenants.listAcrossTenants(query);
  }

  /** Create a tenant with its owner and an API key of all scopes; secrets are shown here and never again. */
  @Post()
  async create(@Body() input: CreateTenant, @Req() request: FastifyRequest): Promise<CreatedTenantView> {
    const created = await this.tenants.create(input);
    await this.record(created.tenant.id, 'tenant.created', request);
    return created;
  }

  /** Show a tenant. */
  @Get(':id')
  show(@Param('id') id: string): Promise<TenantView> {
    return this.tenants.get(id);
  }

  /** Change slug or name. */
  @Patch(':id')
  async update(
    @Param('id') id: string,
    @Body() input: UpdatePlatformTenant,
    @Req() request: FastifyRequest,
  ): Promise<TenantView> {
    const tenant = await this.tenants.update(id, input);
    await this.record(id, 'tenant.updated', request);
    return tenant;
  }

  /** Remove a tenant with everything it owns; only its audit log stays. */
  @Delete(':id')
  @HttpCode(204)
  async delete(@Param('id') id: string, @Req() request: FastifyRequest): Promise<void> {
    await this.tenants.delete(id);
    await this.record(id, 'tenant.deleted', request);
  }

  private record(tenantId: string, action: string, request: FastifyRequest): Promise<void> {
    const actor = { kind: 'platform' as const, id: 'platform', name: 'platform operator' };
    return this.audit.record(tenantId, { actor, action, targetId: tenantId, ...originOf(request) });
  }
}
