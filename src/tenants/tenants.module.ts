import { Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { FastLane } from '../http/fast-lane.js';
import { IdempotencyInterceptor } from '../http/idempotency.interceptor.js';
import { IdempotencyStore } from '../http/idempotency.store.js';
import { AccessGuard } from './access.guard.js';
import { ApiKeyController } from './api-key.controller.js';
import { ApiKeyService } from './api-key.service.js';
import { ApiKeyStore } from './api-key.store.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { AuditLogController } from './audit-log.controller.js';
import { AuditLog } from './audit-log.js';
import { AuditLogStore } from './audit-log.store.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { Authenticator } from './authenticator.js';
import { Bootstrapper } from './bootstrapper.js';
import { CredentialStore } from './credential.store.js';
import { CredentialCache } from './credential-cache.js';
import { ApiKeyStrategy, BearerStrategy, TenantKeyStrategy } from './credential-strategies.js';
import { ExpirySweeper } from './expiry-sweeper.js';
import { FastAccess } from './fast-access.js';
import { LastUsedRecorder } from './last-used-recorder.js';
import { LoginThrottle } from './login-throttle.js';
import { MemberController } from './member.controller.js';
import { MemberService } from './member.service.js';
import { MemberStore } from './member.store.js';
import { PasswordHasher } from './password-hasher.js';
import { PlatformTenantController } from './platform-tenant.controller.js';
import { RateLimiter } from './rate-limiter.js';
import { SessionStore } from './session.store.js';
import { TenantController } from './tenant.controller.js';
import { TenantService } from './tenant.service.js';
import { TenantStore } from './tenant.store.js';
import { TenantChanges } from './tenant-changes.js';
import { TenantPurgeStore } from './tenant-purge.store.js';
import { TenantPurger } from './tenant-purger.js';
import { TenantSettings } from './tenant-settings.js';

/** Tenants, members, sessions, API keys and the audit log; the guard and interceptors here hold for all routes of the application. */
@Module({
  imports: [PassportModule],
  controllers: [
    AuthController,
    TenantController,
    MemberController,
    ApiKeyController,
    AuditLogController,
    PlatformTenantController,
  ],
  providers: [
    { provide: APP_GUARD, useClass: AccessGuard },
    // In this order: an answer that is given again is not recorded as a second act.
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
    BearerStrategy,
    ApiKeyStrategy,
    TenantKeyStrategy,
    Authenticator,
    CredentialCache,
    CredentialStore,
    LastUsedRecorder,
    TenantChanges,
    TenantSettings,
    TenantService,
    TenantStore,
    TenantPurger,
    TenantPurgeStore,
    AuthService,
    LoginThrottle,
    PasswordHasher,
    RateLimiter,
    SessionStore,
    ExpirySweeper,
    MemberService,
    MemberStore,
    ApiKeyService,
    ApiKeyStore,
    AuditLog,
    AuditLogStore,
    Bootstrapper,
    IdempotencyStore,
    FastAccess,
    FastLane,
  ],
  exports: [
    FastAccess,
    FastLane,
    Authenticator,
    TenantSettings,
    TenantChanges,
    AuditLog,
    Bootstrapper,
    RateLimiter,
    MemberService,
    ApiKeyService,
    TenantService,
  ],
})
export class TenantsModule {}
