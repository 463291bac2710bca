import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import type { Credential } from './credential.store.js';
import { TenantCache } from './tenant-cache.js';
import { TenantChanges } from './tenant-changes.js';

/** Credentials by the hash of their token: the same key a thousand times a second costs one query every five seconds. */
@Injectable()
export class CredentialCache extends TenantCache<Credential> {
  constructor(clock: Clock, changes: TenantChanges) {
    super(clock, changes, { maxEntries: 10_000, ttlMs: 5_000 });
  }
}
