import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { ApiPage } from '../http/page.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { CreateCustomField, CustomFieldView, UpdateCustomField } from './catalog.dto.js';
import { CatalogService } from './catalog.service.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import type { ChangeOrigin } from './domain-change.js';

@ApiTags('Custom fields')
@Controller('api/v1/custom-fields')
export class CustomFieldController {
  constructor(private readonly catalog: CatalogService) {}

  /** Create a custom field of contacts. */
  @Post()
  @RequireScope('data:write')
  @Audited('custom_field.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateCustomField,
  ): Promise<CustomFieldView> {
    return this.catalog.createField(tenantId, origin, input);
  }

  /** List custom fields, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(CustomFieldView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery) {
    return this.catalog.listFields(tenantId, query);
  }

  /** Show a custom field. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<CustomFieldView> {
    return this.catalog.getField(tenantId, id);
  }

  /** Change a custom field; absent parts stay. Under a new name its values move: at once for up to 500 contacts, by a job for the others. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('custom_field.updated')
  update(
    @CurrentPrincipal() principal: Principal,
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateCustomField,
  ): Promise<CustomFieldView> {
    return this.catalog.updateField(tenantId, { origin, by: principal.name }, id, input);
  }

  /** Delete a custom field with its values: 204, or 202 with the job that takes them from more than 500 contacts. */
  @Delete(':id')
  @RequireScope('data:write')
  @ApiNoContentResponse({ description: 'Done.' })
  @ApiAcceptedResponse({
    type: BackgroundJobView,
    description: 'Deleted; the job deals with the rest of its contacts.',
  })
  @Audited('custom_field.deleted')
  async delete(
    @CurrentPrincipal() principal: Principal,
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BackgroundJobView | undefined> {
    const job = await this.catalog.deleteField(tenantId, { origin, by: principal.name }, id);
    reply.status(job ? 202 : 204);
    return job ?? undefined;
  }
}
