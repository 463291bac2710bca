import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService } from '../database/prisma.service.js';

/** Who acts: a member, an API key, or the operator with the platform token. */
export interface Actor {
  kind: 'member' | 'api-key' | 'platform';
  id: string;
  name: string;
}

/** One administrative act. `details` never holds a secret. */
export interface AuditAct {
  actor: Actor;
  /** What was done to what kind of thing: `subscription.created`. */
  action: string;
  targetId: string | null;
  details?: Record<string, unknown>;
  ip: string | null;
  requestId: string | null;
}

export interface AuditFilter {
  action?: string;
  /** An actor's id or name. */
  actor?: string;
  since?: Date;
  until?: Date;
}

@Injectable()
export class AuditLogStore {
  constructor(private readonly prisma: PrismaService) {}

  async record(tenantId: string, act: AuditAct, now: Date): Promise<void> {
    await this.prisma.auditEntry.create({
      data: {
        id: newId(),
        tenantId,
        actorKind: act.actor.kind,
        actorId: act.actor.id,
        actorName: act.actor.name,
        action: act.action,
        targetKind: act.action.split('.', 1)[0] as string,
        targetId: act.targetId,
        details: (act.details ?? {}) as object,
        ip: act.ip,
        requestId: act.requestId,
        createdAt: now,
      },
    });
  }

  /** Newest first. */
  list(tenantId: string, filter: AuditFilter, belowId: string | undefined, take: number) {
    const { action, actor, since, until } = filter;
    return this.prisma.auditEntry.findMany({
      where: {
        tenantId,
        id: { lt: belowId },
        action,
        createdAt: { gte: since, lt: until },
        ...(actor !== undefined && { OR: [{ actorId: actor }, { actorName: actor }] }),
      },
      orderBy: { id: 'desc' },
      take,
    });
  }
}
