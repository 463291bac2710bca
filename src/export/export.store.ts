import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
import type { Export, ExportStatus, Prisma } from '../generated/prisma/client.js';
import type { Actor } from '../tenants/audit-log.store.js';
import type { ExportFormat } from './export-column.js';
import type { ExportedResource } from './row-source.js';

export type { Export, ExportStatus };

/** Who exports what: what the record says from the beginning and for ever. */
export interface NewExport {
  kind: 'stream' | 'file';
  resource: ExportedResource;
  format: ExportFormat;
  fields: string[];
  /** JSON. */
  filters: object;
  actor: Actor;
  /** `X-Admin-ID` as it was sent. */
  adminId: string | null;
  ip: string | null;
  requestId: string | null;
}

/** What became of an export that was sent, or of a file that did not come about. */
export interface ExportEnd {
  status: 'succeeded' | 'failed' | 'cancelled' | 'aborted' | 'interrupted';
  error: string | null;
  rowCount?: number;
  byteCount?: number;
  sha256?: Buffer;
}

export interface ExportFilter {
  resource?: ExportedResource;
  kind?: 'stream' | 'file';
  status?: ExportStatus;
}

/** An export that nobody works on any more, as it was ended. */
export type Orphan = Pick<Export, 'tenantId' | 'id' | 'actorKind' | 'actorId' | 'actorName' | 'resource' | 'format'> & {
  status: 'cancelled' | 'interrupted';
};

// A stream is renewed by its process; a file is its job's. A job that was just asked for may not be there yet.
const END_ORPHANS = `
  with orphans as (
    select o.tenant_id, o.id, j.status as job
    from exports o left join background_jobs j on j.tenant_id = o.tenant_id and j.id = o.job_id
    where o.status in ('queued', 'running') and o.alive_until < $1
      and (o.kind = 'stream' or j.id is null or j.status not in ('queued', 'running'))
    order by o.alive_until limit $2 for update of o skip locked
  )
  update exports e
  set status = case when o.job = 'cancelled' then 'cancelled' else 'interrupted' end::export_status, finished_at = $1,
      error = case when o.job = 'cancelled' then 'Its job was cancelled.'
                   when e.kind = 'stream' then 'The server stopped before the end: what was sent is not whole.'
                   else 'Its job ended before the file was whole.' end
  from orphans o where e.tenant_id = o.tenant_id and e.id = o.id
  returning e.tenant_id as "tenantId", e.id, e.status::text as status, e.resource, e.format, e.actor_kind as "actorKind",
            e.actor_id as "actorId", e.actor_name as "actorName"`;

const EXPIRE = `
  update exports set status = 'expired'
  where (tenant_id, id) in (
    select tenant_id, id from exports where has_file and status = 'succeeded' and expires_at <= $1
    order by expires_at limit $2 for update skip locked)
  returning tenant_id as "tenantId", id`;

/** The record of exports. */
@Injectable()
export class ExportStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  create(tenantId: string, id: string, what: NewExport, aliveUntil: Date, now: Date): Promise<Export> {
    const { actor, filters, ...rest } = what;
    return this.prisma.export.create({
      data: {
        ...rest,
        id,
        tenantId,
        filters: filters as Prisma.InputJsonValue,
        status: what.kind === 'stream' ? 'running' : 'queued',
        actorKind: actor.kind,
        actorId: actor.id,
        actorName: actor.name,
        aliveUntil,
        createdAt: now,
      },
    });
  }

  find(tenantId: string, id: string): Promise<Export | null> {
    return this.prisma.export.findUnique({ where: { tenantId_id: { tenantId, id } } });
  }

  /** Newest first. `expired` and `succeeded` as of `now`: a sweeper may be late. */
  list(tenantId: string, filter: ExportFilter, belowId: string | undefined, take: number, now: Date) {
    const { status, ...rest } = filter;
    return this.prisma.export.findMany({
      where: { tenantId, ...rest, ...statusAt(status, now), id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  async begin(tenantId: string, id: string, total: number): Promise<void> {
    await this.prisma.export.updateMany({
      where: { tenantId, id, status: 'queued' },
      data: { status: 'running', total },
    });
  }

  async setJob(tenantId: string, id: string, jobId: string): Promise<void> {
    await this.prisma.export.update({ where: { tenantId_id: { tenantId, id } }, data: { jobId } });
  }

  /** Says that it is still being sent, and how far it is. */
  async renew(tenantId: string, id: string, sent: { rowCount: number; byteCount: number }, aliveUntil: Date) {
    await this.prisma.export.updateMany({ where: { tenantId, id, status: 'running' }, data: { ...sent, aliveUntil } });
  }

  /** Ends an export that has not ended. @returns whether it was this call that ended it */
  async end(tenantId: string, id: string, { sha256, ...end }: ExportEnd, now: Date): Promise<boolean> {
    const { count } = await this.prisma.export.updateMany({
      where: { tenantId, id, status: { in: ['queued', 'running'] } },
      data: { ...end, ...(sha256 && { sha256: new Uint8Array(sha256) }), finishedAt: now },
    });
    return count === 1;
  }

  /** Ends exports whose process or job is no more. @returns those it ended, at most `limit` */
  async endOrphansAcrossTenants(now: Date, limit: number): Promise<Orphan[]> {
    return this.hot.query<Orphan & Record<string, unknown>>('export-orphans', END_ORPHANS, [now, limit]);
  }

  /** Marks files that have had their time. @returns how many, at most `limit` */
  async expireAcrossTenants(now: Date, limit: number): Promise<number> {
    return (await this.hot.query('export-expire', EXPIRE, [now, limit])).length;
  }
}

function statusAt(status: ExportStatus | undefined, now: Date): Prisma.ExportWhereInput {
  const kept: Prisma.ExportWhereInput = { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  if (status === 'succeeded') return { status, ...kept };
  if (status === 'expired') return { status: { in: ['succeeded', 'expired'] }, expiresAt: { lte: now } };
  return { status };
}
