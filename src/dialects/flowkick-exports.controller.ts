import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fileNameOf } from '../export/export.dto.js';
import type { Export } from '../export/export.store.js';
import { ExportSelector } from '../export/export-selector.js';
import { ExportStreamer } from '../export/export-streamer.js';
import { csvWriter, jsonWriter, type RowWriter } from '../export/row-writer.js';
import { CurrentPrincipal, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { FlowKickCsvQuery, type FlowKickExportQuery, FlowKickJsonQuery } from './flowkick-exports.dto.js';

const POINTERS = { fields: '?fields', filter: (name: string) => `?${name}` };
const INCLUDED = {
  includeBookings: 'bookings',
  includeQRCodes: 'qrCodes',
  includeInteractions: 'interactionHistory',
  includeConversations: 'conversations',
} as const;

/** `/api/admin/export/users` as the FlowKick guide documents it: contacts, streamed. */
@ApiTags('FlowKick: exports')
@Controller('api/admin/export/users')
export class FlowKickExportsController {
  constructor(
    private readonly selector: ExportSelector,
    private readonly streamer: ExportStreamer,
  ) {}

  /** Export users as CSV: a line each, with a column for every custom field. Needs the scope `data:read`, too. */
  @Get('csv')
  @RequireScope('exports:read')
  @ApiOkResponse({ content: { 'text/csv': { schema: { type: 'string' } } } })
  async csv(
    @CurrentPrincipal() principal: Principal,
    @Query() { bom, ...query }: FlowKickCsvQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.stream('csv', query, [], { principal, request }, reply, (_, columns) => csvWriter(columns, { bom }));
  }

  /** Export users as JSON, with what belongs to them where it is asked for. Needs the scope `data:read`, too. */
  @Get('json')
  @RequireScope('exports:read')
  @ApiOkResponse({
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: {
            success: { type: 'boolean' },
            exportId: { type: 'string' },
            exportedAt: { type: 'string', format: 'date-time' },
            filters: { type: 'object', additionalProperties: true },
            users: { type: 'array', items: { type: 'object', additionalProperties: true } },
            count: { type: 'integer' },
          },
        },
      },
    },
  })
  async json(
    @CurrentPrincipal() principal: Principal,
    @Query() query: FlowKickJsonQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { includeBookings, includeQRCodes, includeInteractions, includeConversations, ...rest } = query;
    const includes = { includeBookings, includeQRCodes, includeInteractions, includeConversations };
    const further = Object.entries(INCLUDED).flatMap(([name, column]) =>
      includes[name as keyof typeof INCLUDED] ? [column] : [],
    );
    await this.stream('json', rest, further, { principal, request }, reply, (record, columns) => {
      const { id: exportId, createdAt: exportedAt, filters } = record;
      return jsonWriter(columns, { success: true, exportId, exportedAt, filters }, 'users');
    });
  }

  private async stream(
    format: 'csv' | 'json',
    { fields, limit, ...filters }: FlowKickExportQuery,
    further: string[],
    asker: { principal: Principal; request: FastifyRequest },
    reply: FastifyReply,
    writer: (record: Export, columns: Parameters<typeof csvWriter>[0]) => RowWriter,
  ): Promise<void> {
    this.selector.checkAccess(asker.principal, 'contacts');
    const wanted = { resource: 'contacts', format, filters, fields, further } as const;
    const selection = await this.selector.select(asker.principal.tenantId, wanted, POINTERS);
    const recorded = { ...wanted, filters: { ...filters, ...(limit !== undefined && { limit }) } };
    const shape = (record: Export) => ({
      writer: writer(record, selection.columns),
      fileName: fileNameOf({ ...record, resource: 'users' }),
    });
    await this.streamer.stream({ asker, wanted: recorded, selection, limit, shape }, reply);
  }
}
