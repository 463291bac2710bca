import { Injectable } from '@nestjs/common';
import type { ExportColumn } from './export-column.js';
import type { EventExportFilter } from './export-filters.dto.js';
import { allOf, equal, inTime, place } from './row-conditions.js';
import type { Conditions, RowSource } from './row-source.js';

const COLUMNS: ExportColumn[] = [
  { name: 'id', sql: 'e.id', kind: 'text' },
  { name: 'type', sql: 'e.type', kind: 'text' },
  { name: 'data', sql: 'e.data', kind: 'json' },
  { name: 'metadata', sql: 'e.metadata', kind: 'json' },
  { name: 'channel', sql: 'e.channel', kind: 'text' },
  { name: 'orderingKey', sql: 'e.ordering_key', kind: 'text' },
  { name: 'occurredAt', sql: 'e.occurred_at', kind: 'time' },
  { name: 'createdAt', sql: 'e.created_at', kind: 'time' },
];

@Injectable()
export class EventRows implements RowSource {
  readonly resource = 'events';
  readonly scope = 'events:read';
  // An event may have a megabyte of data.
  readonly rowsAtOnce = 20;
  readonly from = 'events e';
  readonly key = ['e.id'];

  async columns(): Promise<ExportColumn[]> {
    return COLUMNS;
  }

  async conditions(tenantId: string, { type, ...range }: EventExportFilter): Promise<Conditions> {
    return (values) =>
      allOf(
        `e.tenant_id = ${place(values, tenantId, 'uuid')}`,
        ...equal(values, 'e.type', type, 'text'),
        ...inTime(values, 'e.created_at', range),
      );
  }
}
