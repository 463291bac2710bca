import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/env.js';
import { AppError } from '../core/errors.js';
import { sameSecret } from '../core/secret.js';
import { PLATFORM } from '../http/route-access.js';
import { Public } from './access.decorator.js';
import { bearerToken } from './credential-strategies.js';

/** The operator's routes: `Authorization: Bearer <PLATFORM_TOKEN>`, no tenant's credential. */
@Injectable()
export class PlatformGuard implements CanActivate {
  constructor(private readonly config: Config) {}

  canActivate(context: ExecutionContext): boolean {
    const { platformToken } = this.config.security;
    if (platformToken === null) {
      throw refuse('The platform routes are switched off: this server was started without PLATFORM_TOKEN.');
    }
    const token = bearerToken(context.switchToHttp().getRequest<FastifyRequest>());
    if (token === null) throw refuse('Send "Authorization: Bearer <PLATFORM_TOKEN>".');
    if (!sameSecret(token, platformToken))
      throw refuse('This is not the platform token. Credentials of tenants do not count here.');
    return true;
  }
}

/** Only the operator may call it. @Public to the guard of tenants' credentials: these routes have their own. */
export const PlatformOnly = () => applyDecorators(Public(), SetMetadata(PLATFORM, true), UseGuards(PlatformGuard));

const refuse = (detail: string) => new AppError('unauthenticated', { detail });
