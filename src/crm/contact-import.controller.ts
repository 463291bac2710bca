import type { Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { OwnIdempotency } from '../http/idempotency.interceptor.js';
import { ApiPage } from '../http/page.decorator.js';
import { type Page, PageQuery } from '../http/pagination.dto.js';
import type { RawBodyRoute } from '../http/raw-body.js';
import { dtoPipe } from '../http/validation.pipe.js';
import { rawHeader } from '../inbound-events/wire-request.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import {
  ContactImportErrorQuery,
  ContactImportErrorView,
  ContactImportView,
  ImportOptions,
} from './contact-import.dto.js';
import { ContactImportService } from './contact-import.service.js';
import { uploadOf } from './import-upload.js';

@ApiTags('Imports')
@Controller('api/v1/contacts')
export class ContactImportController {
  constructor(private readonly imports: ContactImportService) {}

  /** Import a file of contacts: CSV, a JSON object on each line, a JSON array, or a form with such a file. */
  @Post('import')
  @HttpCode(202)
  @RequireScope('data:write')
  @Audited('import.created')
  @OwnIdempotency()
  @RouteConfig({ streamedBody: true } satisfies RawBodyRoute)
  @ApiConsumes('text/csv', 'application/x-ndjson', 'application/json', 'multipart/form-data')
  @ApiBody({
    schema: { description: 'The file; its first line has the names of the columns. In a form: the field `file`.' },
  })
  async create(
    @CurrentPrincipal() principal: Principal,
    @Query() query: ImportOptions,
    @Req() request: FastifyRequest,
  ): Promise<ContactImportView> {
    const body = request.body as Readable;
    // Nobody after this looks at it as if it were an object.
    request.body = undefined;
    const upload = await uploadOf(rawHeader(request, 'content-type'), body);
    const given = { ...(request.query as object), ...upload.fields };
    const options = Object.keys(upload.fields).length === 0 ? query : await optionsOf(given);
    return this.imports.receive(principal, options, upload);
  }

  /** List imports, newest first. */
  @Get('imports')
  @RequireScope('data:read')
  @ApiPage(ContactImportView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery): Promise<Page<ContactImportView>> {
    return this.imports.list(tenantId, query);
  }

  /** Show an import, how far it is and what became of its rows. */
  @Get('imports/:id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ContactImportView> {
    return this.imports.get(tenantId, id);
  }

  /** List the rows that could not be imported, with line, field and reason; as CSV all of them at once. */
  @Get('imports/:id/errors')
  @RequireScope('data:read')
  @ApiPage(ContactImportErrorView)
  async listErrors(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Query() { format, ...query }: ContactImportErrorQuery,
  ): Promise<Page<ContactImportErrorView> | StreamableFile> {
    if (format === 'json') return this.imports.listErrors(tenantId, id, query);
    const csv = await this.imports.errorsAsCsv(tenantId, id);
    const disposition = `attachment; filename="import-${id}-errors.csv"`;
    return new StreamableFile(csv, { type: 'text/csv; charset=utf-8', disposition });
  }
}

function optionsOf(fields: object): Promise<ImportOptions> {
  return dtoPipe().transform(fields, { type: 'body', metatype: ImportOptions });
}
