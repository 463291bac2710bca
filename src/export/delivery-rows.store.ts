import { Injectable } from '@nestjs/common';
import type { ExportColumn } from './export-column.js';
import type { AttemptExportFilter, DeliveryExportFilter } from './export-filters.dto.js';
import { allOf, equal, inTime, place } from './row-conditions.js';
import type { Conditions, RowSource } from './row-source.js';

const DELIVERY: ExportColumn[] = [
  { name: 'id', sql: 'd.id', kind: 'text' },
  { name: 'eventId', sql: 'd.event_id', kind: 'text' },
  { name: 'eventType', sql: 'e.type', kind: 'text' },
  { name: 'subscriptionId', sql: 'd.subscription_id', kind: 'text' },
  { name: 'status', sql: 'd.status', kind: 'text' },
  { name: 'attemptCount', sql: 'd.attempt_count', kind: 'number' },
  { name: 'nextAttemptAt', sql: "case when d.status = 'pending' then d.due_at end", kind: 'time' },
  { name: 'createdAt', sql: 'd.created_at', kind: 'time' },
  { name: 'completedAt', sql: 'd.completed_at', kind: 'time' },
];

/** Names of headers are stored in lower case; what lets one in was masked before it was stored (request-builder). */
const CREDENTIAL_HEADERS = "'{authorization,proxy-authorization,cookie,set-cookie}'::text[]";

const ATTEMPT: ExportColumn[] = [
  { name: 'id', sql: 'a.id', kind: 'text' },
  { name: 'deliveryId', sql: 'a.delivery_id', kind: 'text' },
  { name: 'eventId', sql: 'd.event_id', kind: 'text' },
  { name: 'eventType', sql: 'e.type', kind: 'text' },
  { name: 'subscriptionId', sql: 'd.subscription_id', kind: 'text' },
  { name: 'number', sql: 'a.number', kind: 'number' },
  { name: 'sentAt', sql: 'a.sent_at', kind: 'time' },
  { name: 'durationMs', sql: 'a.duration_ms', kind: 'number' },
  { name: 'outcome', sql: 'a.outcome', kind: 'text' },
  { name: 'statusCode', sql: 'a.status_code', kind: 'number' },
  { name: 'errorCode', path: 'error.code', sql: 'a.error_code', kind: 'text' },
  { name: 'errorMessage', path: 'error.message', sql: 'a.error_message', kind: 'text' },
  { name: 'requestHeaders', sql: `a.request_headers::jsonb - ${CREDENTIAL_HEADERS}`, kind: 'json' },
  { name: 'responseHeaders', sql: `a.response_headers::jsonb - ${CREDENTIAL_HEADERS}`, kind: 'json' },
  { name: 'responseBody', sql: 'a.response_body', kind: 'text' },
];

const WITH_EVENT = 'join events e on e.tenant_id = d.tenant_id and e.id = d.event_id';

@Injectable()
export class DeliveryRows implements RowSource {
  readonly resource = 'deliveries';
  readonly scope = 'events:read';
  readonly rowsAtOnce = 1000;
  readonly from = `deliveries d ${WITH_EVENT}`;
  readonly key = ['d.id'];

  async columns(): Promise<ExportColumn[]> {
    return DELIVERY;
  }

  async conditions(tenantId: string, filter: DeliveryExportFilter): Promise<Conditions> {
    return (values) =>
      allOf(
        `d.tenant_id = ${place(values, tenantId, 'uuid')}`,
        ...equal(values, 'd.subscription_id', filter.subscriptionId, 'uuid'),
        ...equal(values, 'd.event_id', filter.eventId, 'uuid'),
        ...equal(values, 'e.type', filter.eventType, 'text'),
        ...equal(values, 'd.status', filter.status, 'delivery_status'),
        ...inTime(values, 'd.created_at', filter),
      );
  }
}

@Injectable()
export class AttemptRows implements RowSource {
  readonly resource = 'attempts';
  readonly scope = 'events:read';
  // The answers of receivers are kept up to 16 KiB.
  readonly rowsAtOnce = 100;
  readonly from = `attempts a join deliveries d on d.tenant_id = a.tenant_id and d.id = a.delivery_id ${WITH_EVENT}`;
  readonly key = ['a.delivery_id', 'a.id'];

  async columns(): Promise<ExportColumn[]> {
    return ATTEMPT;
  }

  async conditions(tenantId: string, filter: AttemptExportFilter): Promise<Conditions> {
    return (values) =>
      allOf(
        `a.tenant_id = ${place(values, tenantId, 'uuid')}`,
        ...equal(values, 'd.subscription_id', filter.subscriptionId, 'uuid'),
        ...equal(values, 'a.delivery_id', filter.deliveryId, 'uuid'),
        ...equal(values, 'e.type', filter.eventType, 'text'),
        ...equal(values, 'a.outcome', filter.outcome, 'text'),
        ...inTime(values, 'a.sent_at', filter),
      );
  }
}
