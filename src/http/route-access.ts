// Metadata of routes: decorators of the tenants feature set it, its guards enforce it, the API's description tells it.
export const PUBLIC = 'access:public';
export const SCOPE = 'access:scope';
export const TENANT_KEYED = 'access:tenant-keyed';
export const PLATFORM = 'access:platform';

/** Who may call a route. `scope` null: any credential will do. */
export type RouteAccess =
  | { kind: 'public' | 'platform' }
  /** tenantKey: `X-Tenant-ID` and `X-API-Key` together. */
  | { kind: 'credential' | 'tenantKey'; scope: string | null };

export function accessOf(handler: object, controller: object): RouteAccess {
  const read = <T>(key: string): T | undefined =>
    Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller);
  if (read(PLATFORM)) return { kind: 'platform' };
  if (read(PUBLIC)) return { kind: 'public' };
  return { kind: read(TENANT_KEYED) ? 'tenantKey' : 'credential', scope: read<string>(SCOPE) ?? null };
}
