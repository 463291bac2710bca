import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { CreateExport, ExportQuery, ExportView } from './export.dto.js';
import { ExportService } from './export.service.js';
import { ExportFileServer } from './export-file-server.js';

const BYTES = { schema: { type: 'string', format: 'binary' } } as const;
const FILE = { 'text/csv': BYTES, 'application/json': BYTES, 'application/x-ndjson': BYTES };

@ApiTags('Exports')
@Controller('api/v1/exports')
export class ExportController {
  constructor(
    private readonly exports: ExportService,
    private readonly files: ExportFileServer,
  ) {}

  /**
   * Ask for a file. It is written in the background: `GET /api/v1/exports/{id}` says how far it is.
   *
   * Needs the scope to read such rows, too: `data:read` for contacts, `events:read` for events, deliveries and attempts,
   * `inbound:read` for inbound events.
   */
  @Post()
  @HttpCode(202)
  @RequireScope('exports:read')
  create(
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Body() input: CreateExport,
  ): Promise<ExportView> {
    return this.exports.create({ principal, request }, input);
  }

  /** List exports, newest first: all that left the tenant, as a file or as the answer to a request. */
  @Get()
  @RequireScope('exports:read')
  @ApiPage(ExportView)
  list(@CurrentTenant() tenantId: string, @Query() query: ExportQuery): Promise<Page<ExportView>> {
    return this.exports.list(tenantId, query);
  }

  /** Show an export, and how far it is. */
  @Get(':id')
  @RequireScope('exports:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ExportView> {
    return this.exports.get(tenantId, id);
  }

  /** Download the file. What broke off is resumed with `Range`; `ETag` is the SHA-256. */
  @Get(':id/file')
  @RequireScope('exports:read')
  @ApiOkResponse({ content: FILE })
  @ApiResponse({ status: 206, content: FILE })
  async file(
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.files.send(await this.exports.getFile(principal, id), { principal, request }, reply);
  }

  /** Stop making a file. Whoever asked for it may, and administrators. */
  @Post(':id/cancel')
  @HttpCode(200)
  @RequireScope('exports:read')
  cancel(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<ExportView> {
    return this.exports.cancel(principal, id);
  }
}
