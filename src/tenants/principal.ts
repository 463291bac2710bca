import type { Role, Scope } from '../core/scopes.js';

/** Who is behind a request, as its credential proved. */
export type Principal = {
  tenantId: string;
  /** Member id or API key id: what `X-Admin-ID` may name and the audit log records. */
  id: string;
  name: string;
  scopes: ReadonlySet<Scope>;
} & ({ kind: 'member'; role: Role; email: string; sessionId: string } | { kind: 'api-key'; publicId: string });

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}
