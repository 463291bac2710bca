import { Injectable } from '@nestjs/common';
import { isUuid } from '../core/ids.js';
import { redactBody } from '../core/provider-signatures/redact.js';
import type { ExportColumn } from './export-column.js';
import type { InboundEventExportFilter } from './export-filters.dto.js';
import { allOf, equal, inTime, place } from './row-conditions.js';
import type { Conditions, RowSource } from './row-source.js';

const COLUMNS: ExportColumn[] = [
  { name: 'id', sql: 'i.id', kind: 'text' },
  { name: 'source', sql: 'i.source', kind: 'text' },
  { name: 'sourceId', sql: 'i.source_id', kind: 'text' },
  { name: 'eventName', sql: 'i.event_name', kind: 'text' },
  { name: 'status', sql: 'i.status', kind: 'text' },
  {
    name: 'payload',
    sql: "json_build_object('source', i.source, 'kind', i.payload_kind, 'text', i.payload)",
    kind: 'json',
    shown: payloadShown,
  },
  { name: 'payloadKind', sql: 'i.payload_kind', kind: 'text' },
  { name: 'payloadBytes', sql: 'i.payload_bytes', kind: 'number' },
  { name: 'method', sql: 'i.method', kind: 'text' },
  { name: 'contentType', sql: 'i.content_type', kind: 'text' },
  { name: 'headers', sql: 'i.headers', kind: 'json' },
  { name: 'deliveryId', sql: 'i.delivery_id', kind: 'text' },
  { name: 'authenticated', sql: 'i.authenticated', kind: 'boolean' },
  { name: 'hops', sql: 'i.hops', kind: 'number' },
  { name: 'attemptCount', sql: 'i.attempt_count', kind: 'number' },
  { name: 'errorMessage', sql: 'i.error_message', kind: 'text' },
  { name: 'result', sql: 'i.result', kind: 'json' },
  { name: 'receivedAt', sql: 'i.received_at', kind: 'time' },
  { name: 'processedAt', sql: 'i.processed_at', kind: 'time' },
];

/** As the API shows it: JSON without the members in which a provider sends credentials, anything else as the text that came. */
function payloadShown(cell: string): string {
  const { source, kind, text } = JSON.parse(cell) as { source: string; kind: string; text: string };
  return JSON.stringify(kind === 'json' && text !== '' ? redactBody(source, JSON.parse(text)) : text);
}

@Injectable()
export class InboundEventRows implements RowSource {
  readonly resource = 'inbound-events';
  readonly scope = 'inbound:read';
  // A provider's request may have five megabytes.
  readonly rowsAtOnce = 10;
  readonly from = 'integration_events i';
  readonly key = ['i.id'];

  async columns(): Promise<ExportColumn[]> {
    return COLUMNS;
  }

  async conditions(tenantId: string, { source, ...filter }: InboundEventExportFilter): Promise<Conditions> {
    return (values) =>
      allOf(
        `i.tenant_id = ${place(values, tenantId, 'uuid')}`,
        ...(isUuid(source) ? equal(values, 'i.source_id', source, 'uuid') : equal(values, 'i.source', source, 'text')),
        ...equal(values, 'i.event_name', filter.eventName, 'text'),
        ...equal(values, 'i.status', filter.status, 'inbound_status'),
        ...inTime(values, 'i.received_at', filter),
      );
  }
}
