import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ContactRows } from './contact-rows.store.js';
import { AttemptRows, DeliveryRows } from './delivery-rows.store.js';
import { EventRows } from './event-rows.store.js';
import { ExportController } from './export.controller.js';
import { ExportService } from './export.service.js';
import { ExportStore } from './export.store.js';
import { ExportFileStore } from './export-file.store.js';
import { ExportFileServer } from './export-file-server.js';
import { ExportFileWriter } from './export-file-writer.js';
import { ExportRecorder } from './export-recorder.js';
import { ExportRowsStore } from './export-rows.store.js';
import { ExportSelector } from './export-selector.js';
import { ExportStreamer } from './export-streamer.js';
import { ExportSweeper } from './export-sweeper.js';
import { InboundEventRows } from './inbound-event-rows.store.js';

/** Tells the job runner of this feature's kind of job. */
@Injectable()
class ExportJobs {
  constructor(runner: JobRunner, writer: ExportFileWriter) {
    runner.add(writer);
  }
}

/** Data that leaves: as the answer to a request, or as a file; each on record. */
@Module({})
export class ExportsModule {
  /** @param data the modules with the CRM data and the background jobs */
  static forRoles(roles: readonly ProcessRole[], data: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: ExportsModule,
      imports: [TenantsModule, ...data],
      controllers: roles.includes('api') ? [ExportController] : [],
      providers: [
        ContactRows,
        EventRows,
        DeliveryRows,
        AttemptRows,
        InboundEventRows,
        ExportSelector,
        ExportRowsStore,
        ExportStore,
        ExportFileStore,
        ExportRecorder,
        ExportService,
        ExportStreamer,
        ExportFileServer,
        ExportFileWriter,
        ExportSweeper,
        ExportJobs,
      ],
      exports: [ExportSelector, ExportStreamer],
    };
  }
}
