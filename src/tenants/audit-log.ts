import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../core/clock.js';
import { type Actor, type AuditAct, AuditLogStore } from './audit-log.store.js';
import type { Principal } from './principal.js';

/** Writes the audit log. Routes are recorded by `@Audited`; this is for acts that are not a route's success. */
@Injectable()
export class AuditLog {
  constructor(
    private readonly store: AuditLogStore,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the entry is committed. */
  async record(tenantId: string, act: AuditAct): Promise<void> {
    await this.store.record(tenantId, act, this.clock.now());
  }
}

export function actorOf(principal: Principal): Actor {
  return {
    kind: principal.kind,
    id: principal.id,
    name: principal.kind === 'member' ? principal.email : principal.name,
  };
}

/** Where a request comes from, as an audit entry records it. */
export function originOf(request: FastifyRequest): { ip: string; requestId: string } {
  return { ip: request.ip, requestId: String(request.id) };
}
