import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { RetentionStore } from './retention.store.js';
import { RetentionKeeper } from './retention-keeper.js';

/** Removes what is older than its tenant keeps it. */
@Module({ imports: [TenantsModule], providers: [RetentionStore, RetentionKeeper] })
export class RetentionModule {}
