import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  CreatedSource,
  CreateSource,
  RefusalList,
  RotatedSourceSecret,
  RotateSourceSecret,
  SourceQuery,
  SourceView,
  UpdateSource,
} from './source.dto.js';
import { SourceService } from './source.service.js';

@ApiTags('Sources')
@Controller('api/v1/sources')
export class SourceController {
  constructor(private readonly sources: SourceService) {}

  /** Create a source: the answer's `url` is what you paste at the provider. Its secret is shown here once. */
  @Post()
  @RequireScope('inbound:write')
  @Audited('source.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateSource): Promise<CreatedSource> {
    return this.sources.create(tenantId, input);
  }

  /** List sources, newest first. */
  @Get()
  @RequireScope('inbound:read')
  @ApiPage(SourceView)
  list(@CurrentTenant() tenantId: string, @Query() query: SourceQuery): Promise<Page<SourceView>> {
    return this.sources.list(tenantId, query);
  }

  /** Show a source. */
  @Get(':id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<SourceView> {
    return this.sources.get(tenantId, id);
  }

  /** Change a source; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('inbound:write')
  @Audited('source.updated')
  update(@CurrentTenant() tenantId: string, @Param('id') id: string, @Body() input: UpdateSource): Promise<SourceView> {
    return this.sources.update(tenantId, id, input);
  }

  /** Delete a source and its routes; its inbound events stay. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('inbound:write')
  @Audited('source.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.sources.delete(tenantId, id);
  }

  /** Replace the secret; for the overlap both verify. */
  @Post(':id/rotate')
  @HttpCode(200)
  @RequireScope('inbound:write')
  @Audited('source.secret_rotated')
  rotate(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: RotateSourceSecret,
  ): Promise<RotatedSourceSecret> {
    return this.sources.rotate(tenantId, id, input);
  }

  /** The last requests it refused, with the reason of each. */
  @Get(':id/refusals')
  @RequireScope('inbound:read')
  refusals(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<RefusalList> {
    return this.sources.refusals(tenantId, id);
  }
}
