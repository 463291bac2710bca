import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-custom';
import { AppError } from '../core/errors.js';
import type { Authenticator } from './authenticator.js';
import { publicIdOf } from './credential-format.js';
import type { Principal } from './principal.js';

/**
 * Passport keeps its strategies once for the whole process, so they hold nothing of an application: what they need of it
 * comes with each call.
 */
export interface StrategyOptions {
  authenticator: Authenticator;
}

const refuse = (detail: string) => new AppError('unauthenticated', { detail });

/** The token of `Authorization: Bearer <token>`; null without the header, refused when it has another form. */
export function bearerToken(request: FastifyRequest): string | null {
  const { authorization } = request.headers;
  if (authorization === undefined) return null;
  const match = /^bearer +(\S+) *$/i.exec(authorization);
  if (!match) throw refuse('The Authorization header must be "Bearer <session token or API key>".');
  return match[1] as string;
}

export function apiKeyHeader(request: FastifyRequest): string | null {
  const value = request.headers['x-api-key'];
  return value === undefined ? null : String(value).trim();
}

/** `Authorization: Bearer <session token | API key>`. */
@Injectable()
export class BearerStrategy extends PassportStrategy(Strategy, 'bearer') {
  constructor() {
    super({ passOptionsToCallback: true });
  }

  async validate(request: FastifyRequest, { authenticator }: StrategyOptions): Promise<Principal | null> {
    const token = bearerToken(request);
    return token === null ? null : authenticator.authenticate(token);
  }
}

/** `X-API-Key: <key>`. */
@Injectable()
export class ApiKeyStrategy extends PassportStrategy(Strategy, 'api-key') {
  constructor() {
    super({ passOptionsToCallback: true });
  }

  async validate(request: FastifyRequest, { authenticator }: StrategyOptions): Promise<Principal | null> {
    const key = apiKeyHeader(request);
    if (key === null) return null;
    if (!publicIdOf(key)) throw refuse('X-API-Key must hold one API key of the form phk_<id>_<secret>.');
    return authenticator.authenticate(key);
  }
}

/**
 * `X-Tenant-ID` and `X-API-Key` together (the CRM guide, "Inbound Webhooks"). One message for an unknown tenant and a wrong key:
 * nobody learns which of the two exists.
 */
@Injectable()
export class TenantKeyStrategy extends PassportStrategy(Strategy, 'tenant-key') {
  constructor() {
    super({ passOptionsToCallback: true });
  }

  async validate(request: FastifyRequest, { authenticator }: StrategyOptions): Promise<Principal> {
    const tenantId = request.headers['x-tenant-id'];
    const key = apiKeyHeader(request);
    if (tenantId === undefined || key === null) {
      const missing = [tenantId === undefined && 'X-Tenant-ID', key === null && 'X-API-Key']
        .filter(Boolean)
        .join(' and ');
      throw refuse(`Send X-Tenant-ID and X-API-Key: ${missing} ${missing.includes(' ') ? 'are' : 'is'} missing.`);
    }
    const principal = publicIdOf(key) && (await authenticator.authenticate(key).catch(unlessRefused));
    if (!principal || principal.tenantId !== String(tenantId).trim().toLowerCase()) {
      throw refuse('X-Tenant-ID and X-API-Key are not a valid pair.');
    }
    return principal;
  }
}

function unlessRefused(error: unknown): null {
  if (error instanceof AppError) return null;
  throw error;
}
