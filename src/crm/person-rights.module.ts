import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ConsentStore } from './consent.store.js';
import { ConsentRecorder } from './consent-recorder.js';
import { ContactDataStore } from './contact-data.store.js';
import { ContactDataWriter } from './contact-data-writer.js';
import { ContactEraser } from './contact-eraser.js';
import { ErasureStore } from './erasure.store.js';
import { ErasureRequests } from './erasure-requests.js';
import { PayloadRedactor } from './payload-redactor.js';
import { PersonRightsController } from './person-rights.controller.js';
import { PersonRightsService } from './person-rights.service.js';
import { RedactionStore } from './redaction.store.js';

/** Tells the job runner of this feature's kind of job. */
@Injectable()
class PersonRightsJobs {
  constructor(runner: JobRunner, redactor: PayloadRedactor) {
    runner.add(redactor);
  }
}

/** What a person may ask of a tenant that holds data about him: access, erasure, and that his consent counts. */
@Module({})
export class PersonRightsModule {
  /** @param flow the modules with the outbound flow, the background jobs and the CRM data */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: PersonRightsModule,
      imports: [TenantsModule, ...flow],
      controllers: roles.includes('api') ? [PersonRightsController] : [],
      providers: [
        ConsentStore,
        ConsentRecorder,
        ContactDataStore,
        ContactDataWriter,
        ErasureStore,
        ErasureRequests,
        RedactionStore,
        ContactEraser,
        PayloadRedactor,
        PersonRightsService,
        PersonRightsJobs,
      ],
      exports: [ErasureRequests],
    };
  }
}
