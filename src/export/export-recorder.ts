import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../core/clock.js';
import { newId } from '../core/ids.js';
import { AuditLog, actorOf, originOf } from '../tenants/audit-log.js';
import type { Actor } from '../tenants/audit-log.store.js';
import type { Principal } from '../tenants/principal.js';
import { type Export, type ExportEnd, ExportStore, type NewExport } from './export.store.js';
import type { Wanted } from './export-selector.js';

/** So long an export counts as under way without a sign of life. */
export const ALIVE_MS = 60_000;

/** Who asks, and by which request. */
export interface Asker {
  principal: Principal;
  request: FastifyRequest;
}

/** Keeps the record of exports: in `exports`, and as acts in the audit log. */
@Injectable()
export class ExportRecorder {
  constructor(
    private readonly store: ExportStore,
    private readonly log: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** Committed when it resolves: nothing is sent of an export that is not on record. */
  async begin(
    kind: NewExport['kind'],
    { principal, request }: Asker,
    { resource, format, filters }: Wanted,
    fields: string[],
  ): Promise<Export> {
    const adminId = request.headers['x-admin-id'];
    const actor = actorOf(principal);
    const what: NewExport = {
      kind,
      resource,
      format,
      filters,
      fields,
      actor,
      adminId: adminId === undefined ? null : String(adminId).trim(),
      ...originOf(request),
    };
    const record = await this.store.create(principal.tenantId, newId(), what, this.aliveUntil(), this.clock.now());
    await this.log.record(principal.tenantId, {
      actor,
      action: 'export.started',
      targetId: record.id,
      details: { kind, resource, format, filters: Object.keys(filters), ...(adminId !== undefined && { adminId }) },
      ...originOf(request),
    });
    return record;
  }

  /** What became of it, once: who comes later changes nothing. */
  async end(record: ActedExport, end: ExportEnd): Promise<void> {
    if (await this.store.end(record.tenantId, record.id, end, this.clock.now())) await this.logEnd(record, end);
  }

  /** In the audit log only: the record says so already. */
  async logEnd(record: ActedExport, { status, error, rowCount, byteCount, sha256 }: ExportEnd): Promise<void> {
    const { tenantId, id, actorKind, actorId, actorName, resource, format } = record;
    await this.log.record(tenantId, {
      actor: { kind: actorKind as Actor['kind'], id: actorId, name: actorName },
      action: `export.${status}`,
      targetId: id,
      details: {
        resource,
        format,
        ...(rowCount !== undefined && { rows: rowCount, bytes: byteCount }),
        ...(sha256 && { sha256: sha256.toString('hex') }),
        ...(error && { error }),
      },
      ip: null,
      requestId: null,
    });
  }

  aliveUntil(): Date {
    return new Date(this.clock.now().getTime() + ALIVE_MS);
  }
}

type ActedExport = Pick<Export, 'tenantId' | 'id' | 'actorKind' | 'actorId' | 'actorName' | 'resource' | 'format'>;
