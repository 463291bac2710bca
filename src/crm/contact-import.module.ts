import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ContactImportController } from './contact-import.controller.js';
import { ContactImportService } from './contact-import.service.js';
import { ContactImportStore } from './contact-import.store.js';
import { ContactImporter } from './contact-importer.js';
import { ImportStager } from './import-stager.js';

/** Tells the job runner of this feature's kind of job. */
@Injectable()
class ImportJobs {
  constructor(runner: JobRunner, importer: ContactImporter) {
    runner.add(importer);
  }
}

/** Files of contacts that come in. */
@Module({})
export class ContactImportModule {
  /** @param flow the modules with the background jobs and the CRM data */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: ContactImportModule,
      imports: [TenantsModule, ...flow],
      controllers: roles.includes('api') ? [ContactImportController] : [],
      providers: [ContactImportStore, ImportStager, ContactImporter, ContactImportService, ImportJobs],
    };
  }
}
