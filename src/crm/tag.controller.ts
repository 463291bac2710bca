import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { ApiPage } from '../http/page.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { CreateTag, TagView, UpdateTag } from './catalog.dto.js';
import { CatalogService } from './catalog.service.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import type { ChangeOrigin } from './domain-change.js';

@ApiTags('Tags')
@Controller('api/v1/tags')
export class TagController {
  constructor(private readonly catalog: CatalogService) {}

  /** Create a tag. Putting one on a contact makes it too. */
  @Post()
  @RequireScope('data:write')
  @Audited('tag.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateTag,
  ): Promise<TagView> {
    return this.catalog.createTag(tenantId, origin, input);
  }

  /** List tags, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(TagView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery) {
    return this.catalog.listTags(tenantId, query);
  }

  /** Show a tag. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<TagView> {
    return this.catalog.getTag(tenantId, id);
  }

  /** Rename a tag. Its contacts are told of at once where they are up to 500; a job tells of the others. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('tag.updated')
  update(
    @CurrentPrincipal() principal: Principal,
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateTag,
  ): Promise<TagView> {
    return this.catalog.renameTag(tenantId, { origin, by: principal.name }, id, input.name);
  }

  /** Delete a tag. It is gone from every contact; of more than 500, subscribers are told by the job that is answered. */
  @Delete(':id')
  @RequireScope('data:write')
  @ApiNoContentResponse({ description: 'Done.' })
  @ApiAcceptedResponse({
    type: BackgroundJobView,
    description: 'Deleted; the job deals with the rest of its contacts.',
  })
  @Audited('tag.deleted')
  async delete(
    @CurrentPrincipal() principal: Principal,
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BackgroundJobView | undefined> {
    const job = await this.catalog.deleteTag(tenantId, { origin, by: principal.name }, id);
    reply.status(job ? 202 : 204);
    return job ?? undefined;
  }
}
