import { Body, Controller, Get, HttpCode, Patch, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Audited, CurrentPrincipal, Public } from './access.decorator.js';
import { originOf } from './audit-log.js';
import { Login, LoginAnswer, Me, UpdateMe } from './auth.dto.js';
import { AuthService, type Origin } from './auth.service.js';
import type { Principal } from './principal.js';

const origin = (request: FastifyRequest): Origin => ({
  ...originOf(request),
  userAgent: request.headers['user-agent'] ?? null,
});

@ApiTags('Authentication')
@Controller('api/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  /** Log in with e-mail and password. Throttled. */
  @Post('login')
  @HttpCode(200)
  @Public()
  login(@Body() input: Login, @Req() request: FastifyRequest): Promise<LoginAnswer> {
    return this.auth.login(input, origin(request));
  }

  /** End the session. */
  @Post('logout')
  @HttpCode(204)
  async logout(@CurrentPrincipal() principal: Principal, @Req() request: FastifyRequest): Promise<void> {
    await this.auth.logout(principal, origin(request));
  }

  /** Who am I? Works with sessions and API keys. */
  @Get('me')
  me(@CurrentPrincipal() principal: Principal): Promise<Me> {
    return this.auth.me(principal);
  }

  /** Change one's own name or password. */
  @Patch('me')
  @Audited('member.updated')
  update(@CurrentPrincipal() principal: Principal, @Body() input: UpdateMe): Promise<Me> {
    return this.auth.updateMe(principal, input);
  }
}
