import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { BackgroundJobController } from './background-job.controller.js';
import { BackgroundJobService } from './background-job.service.js';
import { BackgroundJobStore } from './background-job.store.js';
import { JobRunner } from './job-runner.js';

/** In a worker jobs are run, not only asked for. */
@Injectable()
class JobWorker {
  constructor(runner: JobRunner) {
    runner.start();
  }
}

/** Background jobs with progress, for every feature that has long work to do. */
@Module({})
export class BackgroundJobsModule {
  /** @param relay the module that exports the due relay */
  static forRoles(roles: readonly ProcessRole[], relay: NonNullable<ModuleMetadata['imports']>[number]): DynamicModule {
    return {
      module: BackgroundJobsModule,
      imports: [TenantsModule, relay],
      controllers: roles.includes('api') ? [BackgroundJobController] : [],
      providers: [
        BackgroundJobStore,
        BackgroundJobService,
        JobRunner,
        ...(roles.includes('worker') ? [JobWorker] : []),
      ],
      exports: [BackgroundJobService, JobRunner],
    };
  }
}
