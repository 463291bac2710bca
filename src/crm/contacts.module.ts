import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { CatalogService } from './catalog.service.js';
import { CatalogSweepStore } from './catalog-sweep.store.js';
import { CatalogSweeper } from './catalog-sweeper.js';
import { ContactController } from './contact.controller.js';
import { ContactService } from './contact.service.js';
import { CustomFieldController } from './custom-field.controller.js';
import { InteractionStore } from './interaction.store.js';
import { TagController } from './tag.controller.js';

/** Tells the job runner of this feature's kind of job. */
@Injectable()
class SweepJobs {
  constructor(runner: JobRunner, sweeper: CatalogSweeper) {
    runner.add(sweeper);
  }
}

/** Contacts, their tags and custom fields over HTTP. */
@Module({})
export class ContactsModule {
  /** @param flow the modules with the background jobs and the CRM data */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: ContactsModule,
      imports: [TenantsModule, ...flow],
      controllers: roles.includes('api') ? [ContactController, TagController, CustomFieldController] : [],
      providers: [ContactService, CatalogService, CatalogSweepStore, CatalogSweeper, InteractionStore, SweepJobs],
      exports: [ContactService],
    };
  }
}
