/** What a credential may do (api.md, "Conventions"). */
export const SCOPES = [
  'events:write',
  'events:read',
  'webhooks:write',
  'webhooks:read',
  'inbound:write',
  'inbound:read',
  'data:write',
  'data:read',
  'exports:read',
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

export const ROLES = ['owner', 'admin', 'developer', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const READ = SCOPES.filter((scope) => scope.endsWith(':read'));

/** viewer: everything `:read`; developer: + events, webhooks, inbound; admin and owner: everything. */
export const ROLE_SCOPES: Record<Role, readonly Scope[]> = {
  viewer: READ,
  developer: [...READ, 'events:write', 'webhooks:write', 'inbound:write'],
  admin: SCOPES,
  owner: SCOPES,
};
